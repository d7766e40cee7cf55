// Both witnesses on one statement, as the proxy joins them: the static analysis by the schema that was read, the server's own tree
// by one Parse in a session, and the session's temporary relations.
import pg from 'pg';
import { known, type Known } from '../../src/core/known.ts';
import { analyseText, type AnalysedStatement } from '../../src/sql/analyse.ts';
import type { SessionNames } from '../../src/sql/columns-names.ts';
import { loadParser, type Parser, type ParserMajor } from '../../src/sql/parser.ts';
import { SchemaResolvers } from '../../src/sql/resolve.ts';
import { readTemporary } from '../../src/sql/schema-temporary.ts';
import { readSnapshot } from '../../src/sql/schema-picture.ts';
import { SchemaIndex } from '../../src/sql/schema-index.ts';
import type { Relation } from '../../src/sql/schema.ts';
import { readTree } from '../../src/sql/tree.ts';
import { unite, type United } from '../../src/sql/union.ts';
import { serverTree, treeSettings } from './server-tree.ts';

export interface Asked {
  readonly searchPath?: SessionNames['searchPath'];
  readonly role?: string;
  readonly exact?: { readonly kind: 'doubtful'; readonly why: string };
}

export class Witnesses {
  readonly client: pg.Client;
  readonly #parser: Parser;
  readonly #path: readonly string[];
  #index: SchemaIndex | undefined;
  #resolvers: SchemaResolvers | undefined;

  private constructor(client: pg.Client, parser: Parser, path: readonly string[]) {
    this.client = client;
    this.#parser = parser;
    this.#path = path;
  }

  static async open(url: string, major: ParserMajor, path: readonly string[]): Promise<Witnesses> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const witnesses = new Witnesses(client, await loadParser(major), path);
    await witnesses.learn();
    return witnesses;
  }

  /** Reads the schema anew. */
  async learn(): Promise<void> {
    const snapshot = await readSnapshot((sql) => this.#rows(sql));
    this.#index = new SchemaIndex(snapshot);
    this.#resolvers = new SchemaResolvers(this.#parser);
    this.#resolvers.add(snapshot);
    await this.client.query(`SET search_path = ${this.#path.map((name) => `"${name}"`).join(', ')}; ${treeSettings}`);
  }

  async temporary(): Promise<Known<readonly Relation[]>> {
    return readTemporary((sql) => this.#rows(sql));
  }

  async statements(text: string, asked: Asked = {}): Promise<readonly AnalysedStatement[]> {
    const { snapshot } = this.#known();
    const state = {
      searchPath: asked.searchPath ?? known(this.#path),
      role: asked.role ?? 'postgres',
      temp: await this.temporary(),
    };
    const job = { text, schemaVersion: snapshot.schemaVersion, state };
    const resolver = this.#resolvers?.resolver;
    if (resolver === undefined) throw new Error('nothing was read');
    const exact = asked.exact;
    const answer = analyseText(this.#parser, resolver, exact === undefined ? job : { ...job, exact });
    if (answer.kind !== 'statements') throw new Error(`${answer.kind}: ${text}`);
    return answer.statements;
  }

  async static(text: string, asked: Asked = {}): Promise<AnalysedStatement> {
    const [one] = await this.statements(text, asked);
    if (one === undefined) throw new Error(`not a statement: ${text}`);
    return one;
  }

  async united(text: string, asked: Asked = {}, analysis?: United['analysis']): Promise<United> {
    const temp = await this.temporary();
    const ours = analysis ?? (await this.static(text, asked)).analysis;
    const answer = await serverTree(this.client, text);
    if (answer.kind === 'error') throw new Error(`${answer.code} ${answer.message}: ${text}`);
    return unite(ours, readTree(answer.detail, 'same'), this.#known(), temp.known ? temp.value : []);
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  #known(): SchemaIndex {
    if (this.#index === undefined) throw new Error('nothing was read');
    return this.#index;
  }

  async #rows(sql: string): Promise<(string | null)[][]> {
    return (await this.client.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows;
  }
}

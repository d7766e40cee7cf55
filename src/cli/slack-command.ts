// `countersign slack`: the app's manifest, and what its cards look like.
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { failed, misused, type Io } from './io.ts';
import { fileWords } from '../core/file-words.ts';
import { slackManifest } from './slack-manifest.ts';
import { slackPreview } from './slack-preview.ts';

export function addSlack(program: Command, io: Io): void {
  const slack = program.command('slack').description('set up Slack and look at its cards');
  slack
    .command('manifest')
    .description('print the app manifest, to be pasted at api.slack.com/apps')
    .option('--mode <mode>', 'socket (we call Slack) or http (Slack calls us)', 'socket')
    .option('--url <url>', 'http mode: the public address of our http port')
    .option('--name <name>', 'what the app is called', 'Countersign')
    .action(({ mode, url, name }: { readonly mode: string; readonly url?: string; readonly name: string }) => {
      if (mode !== 'socket' && mode !== 'http') throw misused(`--mode ${mode}: must be socket or http`);
      if (mode === 'http' && url === undefined)
        throw misused('--mode http needs --url, the address at which Slack reaches us: --url https://…');
      if (url !== undefined && !/^https?:\/\/[^\s"']+$/.test(url)) throw misused(`--url ${url}: not a web address`);
      io.out(slackManifest({ mode, url, name }));
    });
  slack
    .command('preview')
    .description('the cards as a web page, with made-up holds; nothing is sent')
    .option('--write <file>', 'into this file instead of the screen')
    .action(({ write }: { readonly write?: string }) => {
      const page = slackPreview();
      if (write === undefined) return io.out(page);
      try {
        writeFileSync(write, page);
      } catch (thrown) {
        throw failed(`${write}: cannot be written: ${fileWords(thrown)}`);
      }
      io.err(`Written to ${write}; open it in a browser.`);
    });
}

// Who signs checkpoints and receipts: the key in the folder, or a command that has it elsewhere (an HSM, a KMS, a card). The command gets
// the bytes on its standard input and answers with the Ed25519 signature in base64; the public key is then `key.pub`, put there by hand.
import { spawn } from 'node:child_process';
import { sign, verify, type KeyObject } from 'node:crypto';
import { ProxyError } from '../core/errors.ts';
import { fileWords } from '../core/file-words.ts';

export interface Signer {
  readonly public: KeyObject;
  sign(bytes: Buffer): Promise<Buffer>;
}

export function keySigner(key: { readonly private: KeyObject; readonly public: KeyObject }): Signer {
  return { public: key.public, sign: (bytes) => Promise.resolve(sign(null, bytes, key.private)) };
}

const waitMsMax = 10_000;
const answerBytesMax = 4_096;

/** An answer that the public key does not confirm is never used, so a wrong key shows at the first start and not at the first audit. */
export function commandSigner(command: readonly string[], publicKey: KeyObject): Signer {
  return {
    public: publicKey,
    sign: async (bytes) => {
      const signature = Buffer.from((await answerOf(command, bytes)).trim(), 'base64');
      if (verify(null, bytes, publicKey, signature)) return signature;
      throw new ProxyError('UNAVAILABLE', `the signer ${command[0] ?? ''} gave no signature of the log’s public key`);
    },
  };
}

function answerOf(command: readonly string[], input: Buffer): Promise<string> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(
        new ProxyError('UNAVAILABLE', `the signer ${program} ${why}`, {
          hint: 'run it by hand as the user of the proxy; `audit.signer` names it',
        }),
      );
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    // Our own: that of spawn goes on behind a program that is not there, and keeps a process that has nothing left to do.
    const timer = setTimeout(() => child.kill('SIGKILL'), waitMsMax);
    let answer = '';
    child.stdout.on('data', (data: Buffer) => {
      answer += data.toString('latin1');
      if (answer.length > answerBytesMax) child.kill('SIGKILL');
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      fail(`cannot be started: ${fileWords(error)}`);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(answer);
      else fail(`failed (${code ?? 'killed'})`);
    });
    child.stdin.on('error', () => fail('did not read its input'));
    child.stdin.end(input);
  });
}

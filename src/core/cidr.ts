// Networks: `10.0.0.0/8`, `fd00::/8`, a single address. IPv4 inside IPv6 (::ffff:10.1.2.3) is the IPv4 address.

export interface Network {
  readonly contains: (address: string) => boolean | undefined;
}

/** Undefined when the text is no network. `contains` answers undefined for what is no address. */
export function parseNetwork(text: string): Network | undefined {
  const [host, length, ...more] = text.split('/');
  const base = host === undefined || more.length > 0 ? undefined : parseAddressBits(host);
  if (base === undefined) return undefined;
  const isNumber = length === undefined || /^\d{1,3}$/.test(length);
  const prefix = length === undefined ? base.width : Number(length);
  if (!isNumber || prefix > base.width) return undefined;
  const shift = BigInt(base.width - prefix);
  return {
    contains: (address) => {
      const other = parseAddressBits(address);
      if (other === undefined) return undefined;
      return other.width === base.width && other.bits >> shift === base.bits >> shift;
    },
  };
}

interface AddressBits {
  readonly width: 32 | 128;
  readonly bits: bigint;
}

function parseAddressBits(text: string): AddressBits | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%[\w.-]+$/, '');
  const four = parseFour(bare.replace(/^::ffff:(?=\d+\.)/i, ''));
  if (four !== undefined) return { width: 32, bits: four };
  const six = parseSix(bare);
  if (six === undefined) return undefined;
  return six >> 32n === 0xffffn ? { width: 32, bits: six & 0xffffffffn } : { width: 128, bits: six };
}

function parseFour(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function parseSix(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  const isWhole = halves.length === 2 ? missing >= 1 : missing === 0;
  if (!isWhole) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

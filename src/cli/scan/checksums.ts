// Numbers with a check digit: what tells a card number from an order number. Pure; each takes the bare digits or letters.

export function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits.charAt(digits.length - 1 - i));
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Remainder of a long decimal number. */
function modulo(digits: string, by: number): number {
  let rest = 0;
  for (const digit of digits) rest = (rest * 10 + Number(digit)) % by;
  return rest;
}

const ibanLengths: Readonly<Record<string, number>> = {
  AD: 24,
  AE: 23,
  AT: 20,
  BE: 16,
  BG: 22,
  CH: 21,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  EE: 20,
  ES: 24,
  FI: 18,
  FR: 27,
  GB: 22,
  GR: 27,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IS: 26,
  IT: 27,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  MC: 27,
  MT: 31,
  NL: 18,
  NO: 15,
  PL: 28,
  PT: 25,
  RO: 24,
  SA: 24,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  TR: 26,
};

export function iban(text: string): boolean {
  const bare = text.replace(/\s/g, '').toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(bare)) return false;
  if (ibanLengths[bare.slice(0, 2)] !== bare.length) return false;
  const moved = bare.slice(4) + bare.slice(0, 4);
  return (
    modulo(
      moved.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55)),
      97,
    ) === 1
  );
}

export function cardNumber(text: string): boolean {
  const bare = text.replace(/[ -]/g, '');
  // 2, 3, 4, 5 and 6 are the issuers' first digits; a row of one digit passes Luhn's test now and then and is no card.
  return /^[23456]\d{12,18}$/.test(bare) && !/^(\d)\1+$/.test(bare) && luhn(bare);
}

const weighted = (digits: string, weights: readonly number[]): number =>
  weights.reduce((sum, weight, index) => sum + weight * Number(digits.charAt(index)), 0);

/** United States: no 000, 666 or 9xx area, no 00 group, no 0000 serial. */
function socialSecurity(text: string): boolean {
  return /^(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}$/.test(text);
}

function nationalInsurance(text: string): boolean {
  return /^(?!BG|GB|NK|KN|TN|NT|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]$/.test(text);
}

/** Germany's tax id: ISO 7064 MOD 11,10. */
function taxIdGermany(text: string): boolean {
  const bare = text.replace(/ /g, '');
  if (!/^[1-9]\d{10}$/.test(bare)) return false;
  let product = 10;
  for (const digit of bare.slice(0, 10)) {
    const sum = (Number(digit) + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === Number(bare.charAt(10));
}

function dniSpain(text: string): boolean {
  const match = /^([XYZ]?)(\d{7,8})-?([A-Z])$/.exec(text.toUpperCase());
  if (match === null) return false;
  const [, foreign = '', digits = '', letter] = match;
  if (digits.length + foreign.length !== 8) return false;
  const number = Number((foreign === '' ? '' : String('XYZ'.indexOf(foreign))) + digits);
  return 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(number % 23) === letter;
}

function nirFrance(text: string): boolean {
  const bare = text.replace(/ /g, '');
  if (!/^[12]\d{2}(?:0[1-9]|1[0-2]|[2-9]\d)\d{10}$/.test(bare)) return false;
  return 97 - modulo(bare.slice(0, 13), 97) === Number(bare.slice(13));
}

function peselPoland(text: string): boolean {
  if (!/^\d{11}$/.test(text)) return false;
  const month = Number(text.slice(2, 4)) % 20;
  const day = Number(text.slice(4, 6));
  if (month < 1 || month > 12 || day < 1 || day > 31) return false;
  return (10 - (weighted(text, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === Number(text.charAt(10));
}

function cpfBrazil(text: string): boolean {
  const bare = text.replace(/[.-]/g, '');
  if (!/^\d{11}$/.test(bare) || /^(\d)\1+$/.test(bare)) return false;
  const check = (length: number): number => {
    const weights = Array.from({ length }, (_, index) => length + 1 - index);
    return ((weighted(bare, weights) * 10) % 11) % 10;
  };
  return check(9) === Number(bare.charAt(9)) && check(10) === Number(bare.charAt(10));
}

function fiscalCodeItaly(text: string): boolean {
  return /^[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]$/.test(text.toUpperCase());
}

const nationalIds = [
  socialSecurity,
  nationalInsurance,
  taxIdGermany,
  dniSpain,
  nirFrance,
  peselPoland,
  cpfBrazil,
  fiscalCodeItaly,
];

export function nationalId(text: string): boolean {
  return nationalIds.some((test) => test(text));
}

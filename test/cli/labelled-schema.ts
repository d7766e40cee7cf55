// A schema with the truth beside it, for measuring the scan: tables as public applications and data models have them (a Rails app with
// Devise, a web shop, a CRM, a payroll, a clinic, a payment provider, an event store), with names that mislead on purpose.
// Every value is made from a row's number: nobody in it exists.

export interface LabelledColumn {
  readonly name: string;
  readonly type: string;
  /** What the column really holds; `-` for nothing that needs care. */
  readonly label: string;
  readonly value: (row: number) => string | null;
}

export interface LabelledTable {
  readonly name: string;
  readonly columns: readonly LabelledColumn[];
}

/** Looks random, is the same on every machine. */
function pick(row: number, salt: number, size: number): number {
  let x = (row * 2654435761 + salt * 40503 + 12345) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 2246822519) >>> 0;
  x = Math.imul(x ^ (x >>> 13), 3266489917) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) % size;
}
const of = (list: readonly string[], row: number, salt: number): string => list[pick(row, salt, list.length)] ?? '';
const digits = (row: number, salt: number, count: number): string =>
  Array.from({ length: count }, (_, i) => String(pick(row, salt + i * 7, 10))).join('');
const chars = (row: number, salt: number, count: number, alphabet: string): string =>
  Array.from({ length: count }, (_, i) => alphabet.charAt(pick(row, salt + i * 13, alphabet.length))).join('');
const alnum = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const first = [
  'Ana',
  'Ben',
  'Carla',
  'Deniz',
  'Emil',
  'Fatima',
  'Hana',
  'Ivan',
  'Jana',
  'Karim',
  'Lena',
  'Nora',
  'Oskar',
  'Pia',
  'Rosa',
  'Sami',
];
const last = ['Sampleton', 'Mockmann', 'Dummyova', 'Fictioni', 'Nobodysen', 'Pretender', 'Madeuper', 'Fablewood'];
const street = ['Sample Street', 'Mock Road', 'Dummy Avenue', 'Fiction Lane', 'Beispielweg', 'rue Exemple'];
const words = [
  'the parcel',
  'came late',
  'and was wet',
  'please call',
  'me back soon',
  'nobody answered',
  'my second mail',
  'about the refund',
];
const things = ['Lamp', 'Chair', 'Desk', 'Kettle', 'Rug', 'Shelf', 'Mug', 'Clock', 'Vase', 'Stool'];
const makes = ['Oak', 'Steel', 'Glass', 'Linen', 'Cork', 'Clay', 'Brass', 'Wool'];

function luhnDigit(head: string): string {
  let sum = 0;
  for (let i = 0; i < head.length; i += 1) {
    const digit = Number(head.charAt(head.length - 1 - i)) * (i % 2 === 0 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return String((10 - (sum % 10)) % 10);
}
function iban(row: number, salt: number): string {
  const body = digits(row, salt, 18);
  let rest = 0;
  for (const digit of `${body}131400`) rest = (rest * 10 + Number(digit)) % 97;
  return `DE${String(98 - rest).padStart(2, '0')}${body}`;
}
function pesel(row: number): string {
  const head = `${String(50 + pick(row, 1, 49))}${String(1 + pick(row, 2, 12)).padStart(2, '0')}${String(1 + pick(row, 3, 28)).padStart(2, '0')}${digits(row, 4, 4)}`;
  const sum = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3].reduce((total, weight, i) => total + weight * Number(head.charAt(i)), 0);
  return head + String((10 - (sum % 10)) % 10);
}

type Make = (row: number, salt: number) => string | null;
const makers: Readonly<Record<string, Make>> = {
  id: (row) => String(row + 1),
  int: (row, salt) => String(pick(row, salt, 900)),
  amount: (row, salt) => `${pick(row, salt, 900)}.${digits(row, salt, 2)}`,
  bool: (row, salt) => String(pick(row, salt, 2) === 1),
  uuid: (row, salt) =>
    `${chars(row, salt, 8, '0123456789abcdef')}-${chars(row, salt + 1, 4, '0123456789abcdef')}-4${chars(row, salt + 2, 3, '0123456789abcdef')}-a${chars(row, salt + 3, 3, '0123456789abcdef')}-${chars(row, salt + 4, 12, '0123456789abcdef')}`,
  recent: (row, salt) => `2026-0${1 + pick(row, salt, 9)}-${String(1 + pick(row, salt + 1, 28)).padStart(2, '0')}`,
  born: (row, salt) =>
    `${1940 + pick(row, salt, 62)}-0${1 + pick(row, salt + 1, 9)}-${String(1 + pick(row, salt + 2, 28)).padStart(2, '0')}`,
  email: (row, salt) =>
    `${of(first, row, salt).toLowerCase()}.${of(last, row, salt + 1).toLowerCase()}${row}@example.${of(['com', 'org', 'net'], row, salt)}`,
  first: (row, salt) => of(first, row, salt),
  last: (row, salt) => `${of(last, row, salt)}`,
  full: (row, salt) => `${of(first, row, salt)} ${of(last, row, salt + 1)}`,
  phone: (row, salt) => `+4930${digits(row, salt, 8)}`,
  phoneUs: (row, salt) => `555-${digits(row, salt, 3)}-${digits(row, salt + 3, 4)}`,
  street: (row, salt) => `${1 + pick(row, salt, 200)} ${of(street, row, salt)}`,
  city: (row, salt) => of(['Springfield', 'Musterstadt', 'Exampleville', 'Nowhere', 'Samplebury', 'Testow'], row, salt),
  postcode: (row, salt) => digits(row, salt, 5),
  country: (row, salt) => of(['DE', 'FR', 'PL', 'US', 'NL', 'ES'], row, salt),
  ip: (row, salt) => `192.0.2.${pick(row, salt, 255)}`,
  agent: (row, salt) => `Mozilla/5.0 (X11; Linux x86_64) Sample/${pick(row, salt, 90)}.0`,
  pan: (row, salt) => {
    const head = `4${digits(row, salt, 14)}`;
    return head + luhnDigit(head);
  },
  notPan: (row, salt) => {
    const head = `7${digits(row, salt, 14)}`;
    return head + String((Number(luhnDigit(head)) + 5) % 10);
  },
  iban,
  ssn: (row, salt) =>
    `${String(100 + pick(row, salt, 500))}-${String(1 + pick(row, salt + 1, 98)).padStart(2, '0')}-${String(1 + pick(row, salt + 2, 9998)).padStart(4, '0')}`,
  pesel,
  bcrypt: (row, salt) => `$2b$12$${chars(row, salt, 53, alnum)}`,
  hex: (row, salt) => chars(row, salt, 64, '0123456789abcdef'),
  token: (row, salt) => chars(row, salt, 40, alnum),
  live: (row, salt) => `sk_live_${chars(row, salt, 24, alnum)}`,
  jwt: (row, salt) =>
    `eyJ${chars(row, salt, 20, alnum)}.eyJ${chars(row, salt + 1, 40, alnum)}.${chars(row, salt + 2, 30, alnum)}`,
  text: (row, salt) =>
    `${of(words, row, salt)} ${of(words, row, salt + 1)} ${of(words, row, salt + 2)} ${of(words, row, salt + 3)}`,
  thing: (row, salt) => `${of(makes, row, salt)} ${of(things, row, salt + 1)} ${pick(row, salt + 2, 90)}`,
  sku: (row, salt) => `${chars(row, salt, 3, 'ABCDEFGH')}-${digits(row, salt, 5)}`,
  slug: (row, salt) => `${of(makes, row, salt)}-${of(things, row, salt + 1)}-${row}`.toLowerCase(),
  state: (row, salt) => of(['new', 'open', 'paid', 'closed'], row, salt),
  icd: (row, salt) => `${of(['F', 'E', 'I', 'J'], row, salt)}${pick(row, salt, 90) + 10}.${pick(row, salt + 1, 9)}`,
  drug: (row, salt) =>
    `${of(['Sampletin', 'Mockazol', 'Dummycin', 'Fictol', 'Examprin', 'Fablamid'], row, salt)} ${5 + pick(row, salt, 90)} mg`,
  url: (row, salt) => `https://shop.example.com/p/${pick(row, salt, 9000)}`,
  jsonUser: (row, salt) =>
    JSON.stringify({ contact: { mail: makers['email']?.(row, salt), since: 2020 }, plan: 'basic' }),
  jsonKey: (row, salt) => JSON.stringify({ endpoint: 'https://example.com', api_key: chars(row, salt, 32, alnum) }),
  jsonPlain: (row, salt) => JSON.stringify({ color: of(makes, row, salt), size: pick(row, salt, 50) }),
};

/** `table: name type maker label, …` */
const text = `
rails.users: id int id -, email text email personal.contact.email, encrypted_password text bcrypt credential, reset_password_token text token credential, reset_password_sent_at date recent -, sign_in_count int int -, current_sign_in_at date recent -, current_sign_in_ip inet ip personal.online, last_sign_in_ip text ip personal.online, confirmation_token text token credential, confirmed_at date recent -, unconfirmed_email text email personal.contact.email, locale text country -, admin bool bool -, username text slug -, failed_attempts int int -, otp_secret text token credential, otp_required bool bool -, role text state -, created_at date recent -, updated_at date recent -
rails.sessions: id int id -, session_token text token credential, user_id int int -, ip_address text ip personal.online, user_agent text agent personal.online, expires_at date recent -, data jsonb jsonPlain -
rails.api_clients: id int id -, name text slug -, api_key text live credential, webhook_secret text token credential, scopes text state -, token_count int int -, last_used_at date recent -, config jsonb jsonKey credential
shop.customers: id int id -, firstName text first personal.name, lastName text last personal.name, mobile text phone personal.contact.phone, dateOfBirth date born personal.birth_date, emailVerified bool bool -, newsletter_opt_in bool bool -, segment text state -, lifetime_value numeric amount -, preferred_language text country -, remarks text text personal.free_text
shop.addresses: id int id -, customer_id int int -, street text street personal.contact.address, street2 text street personal.contact.address, postal_code text postcode personal.contact.address, city text city -, country text country -, recipient_name text full personal.name, delivery_phone text phone personal.contact.phone, is_default bool bool -
shop.products: id int id -, sku text sku -, name text thing -, slug text slug -, description text thing -, price numeric amount -, cost numeric amount -, stock int int -, attributes jsonb jsonPlain -, image_url text url -, active bool bool -, weight_grams int int -
shop.orders: id int id -, order_number text notPan -, customer_id int int -, state text state -, total numeric amount -, currency text country -, gift_message text text personal.free_text, placed_at date recent -, coupon_code text sku -, shipping_method text state -, client_ip inet ip personal.online
shop.order_items: order_id int int -, product_id int int -, quantity int int -, unit_price numeric amount -, line_note text text personal.free_text
shop.reviews: id int id -, product_id int int -, stars int int -, title text thing -, body text text personal.free_text, author text full personal.name, published_at date recent -
crm.contacts: id uuid uuid -, salutation text state -, given_name text first personal.name, family_name text last personal.name, work_email text email personal.contact.email, phone_number text phoneUs personal.contact.phone, fax text phone personal.contact.phone, job_title text thing -, company text thing -, linkedin_url text url -, owner_id uuid uuid -, lead_source text state -, lead_score int int -, notes text text personal.free_text, birthday date born personal.birth_date, do_not_call bool bool -, address_id int int -
crm.activities: id uuid uuid -, contact_id uuid uuid -, kind text state -, subject text thing -, body text text personal.free_text, due_on date recent -, done bool bool -, email_template text slug -
crm.legacy_import: ref text email personal.contact.email, code1 text iban financial.bank.iban, x_17 text ssn personal.national_id, c3 text phone personal.contact.phone, val text pan financial.card.pan, f9 date born personal.birth_date, who text full personal.name, blob text token credential, batch int int -, line int int -, n16 text notPan -, kind text state -
hr.employees: id int id -, employee_number text sku -, full_name text full personal.name, private_email text email personal.contact.email, tax_number text pesel personal.national_id, social_security_number text ssn personal.national_id, iban text iban financial.bank.iban, salary numeric amount financial.pay, bonus numeric amount financial.pay, department_id int int -, hired_on date recent -, birth_date date born personal.birth_date, emergency_contact_name text full personal.name, emergency_contact_phone text phone personal.contact.phone, religion text state personal.health, office text city -, badge_color text state -
hr.payslips: id int id -, employee_id int int -, period text sku -, base_pay numeric amount financial.pay, deductions numeric amount -, paid_on date recent -, account_iban text iban financial.bank.iban
hr.applicants: id int id -, name text full personal.name, mail text email personal.contact.email, telephone text phone personal.contact.phone, cover_letter text text personal.free_text, salary_expectation numeric amount financial.pay, source text state -, stage text state -, applied_on date recent -
clinic.patients: id int id -, mrn text sku -, patient_name text full personal.name, dob date born personal.birth_date, ssn text ssn personal.national_id, blood_type text state personal.health, allergies text drug personal.health, phone text phone personal.contact.phone, insurer text thing -, next_of_kin text full personal.name, pregnancy_status text state -, deceased bool bool -
clinic.encounters: id int id -, patient_id int int -, diagnosis_code text icd personal.health, diagnosis text thing personal.health, medication text drug personal.health, treatment text thing personal.health, ward text state -, admitted_on date recent -, discharged_on date recent -, clinical_notes text text personal.free_text, bed int int -
pay.cards: id int id -, card_number text pan financial.card.pan, cardholder_name text full personal.name, expiry_month int int -, expiry_year int int -, brand text state -, last4 text postcode -, fingerprint text hex credential, vault_token text token credential, added_at date recent -
pay.charges: id uuid uuid -, amount numeric amount -, currency text country -, description text thing -, receipt_email text email personal.contact.email, captured bool bool -, failure_code text state -, card_id int int -, statement_descriptor text thing -, metadata jsonb jsonUser personal.contact.email, idempotency_ref uuid uuid -
pay.bank_accounts: id int id -, holder text full personal.name, account_number text iban financial.bank.iban, bic text sku -, verified_at date recent -, mandate_ref text sku -, status text state -
ops.events: id uuid uuid -, name text slug -, at date recent -, payload jsonb jsonPlain -, actor_ip inet ip personal.online, request_id uuid uuid -, duration_ms int int -, host text slug -, status int int -
ops.feature_flags: key text slug -, enabled bool bool -, rollout int int -, description text thing -, updated_at date recent -
ops.integrations: id int id -, provider text state -, access_token text jwt credential, refresh_token text token credential, client_secret text token credential, base_url text url -, last_error text thing -, retries int int -
ops.jobs: id int id -, queue text slug -, arguments jsonb jsonPlain -, run_at date recent -, attempts int int -, locked_by text slug -, password_reset_count int int -
mail.outbox: id int id -, recipient text email personal.contact.email, sender_email text email personal.contact.email, subject text thing -, message text text personal.free_text, template_id int int -, sent_at date recent -, opened bool bool -
`;

export const labelledSchema: readonly LabelledTable[] = text
  .trim()
  .split('\n')
  .map((line, tableIndex) => {
    const [name = '', list = ''] = line.split(': ');
    const columns = list.split(', ').map((field, index): LabelledColumn => {
      const [own = '', type = '', maker = '', label = ''] = field.split(' ');
      const make = makers[maker];
      if (make === undefined) throw new Error(`${name}.${own}: no maker ${maker}`);
      return { name: own, type, label, value: (row) => make(row, tableIndex * 1000 + index * 17) };
    });
    return { name, columns };
  });

const quoted = (text: string | null): string => (text === null ? 'null' : `'${text.replaceAll("'", "''")}'`);

export function labelledSql(rows: number): string {
  const schemas = [...new Set(labelledSchema.map((table) => table.name.split('.')[0] ?? ''))];
  const tables = labelledSchema.map(({ name, columns }) => {
    const fields = columns.map((column) => `"${column.name}" ${column.type}`).join(', ');
    const values = Array.from(
      { length: rows },
      (_, row) => `(${columns.map((column) => quoted(column.value(row))).join(', ')})`,
    );
    return `create table ${name} (${fields}); insert into ${name} values ${values.join(', ')};`;
  });
  return [...schemas.map((schema) => `create schema ${schema};`), ...tables].join('\n');
}

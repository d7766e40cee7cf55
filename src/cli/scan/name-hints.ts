// What a column's name says, in the words of public schemas: snake_case, camelCase, a few languages. A hint counts only with a type
// that could hold such a thing: `email_count int` is no e-mail address.
import type { DataKind } from './detectors.ts';

/** What a type can hold, coarsely. */
export type TypeClass = 'text' | 'number' | 'date' | 'network' | 'json' | 'bytes' | 'other';

interface Hint {
  readonly kind: DataKind;
  readonly form: RegExp;
  readonly types: readonly TypeClass[];
}

const texts: readonly TypeClass[] = ['text', 'json'];

/** Searched in the name as `_word_word_`, lower case. */
const hints: readonly Hint[] = [
  {
    kind: 'credential',
    types: ['text', 'bytes', 'json'],
    form: /_(?:passwords?|passwd|pwd|pass_?(?:word|phrase|wd)|secrets?|api_?keys?|private_?key|access_?keys?|(?:access|refresh|auth|reset|session|bearer|api|csrf|id|verification|confirmation|invite|remember|device|push)_tokens?|tokens?|totp|otp|otp_seed|mfa_secret|salt|signing_key|encryption_key|credentials?|pin_hash|pin_code|security_answer|connection_string|webhook_secret|recovery_codes?|kennwort|contrasena)_/,
  },
  {
    kind: 'financial.card.pan',
    types: ['text', 'number'],
    form: /_(?:pan|card_?(?:number|no|num)|cc_?(?:number|num|no)|credit_?card(?:_number|_no)?|kreditkarte\w*)_/,
  },
  {
    kind: 'financial.bank.iban',
    types: ['text', 'number'],
    form: /_(?:iban|bank_?account(?:_number|_no)?|account_?(?:iban|number)|routing_?number|sort_?code|aba_number|kontonummer|acct_?(?:num|no))_/,
  },
  {
    kind: 'personal.national_id',
    types: ['text', 'number'],
    form: /_(?:ssn|sin|social_?security(?:_number|_no)?|national_?(?:id|insurance)(?:_number|_no)?|nino|tax_?(?:id|number|no|payer_id)|tin|pesel|cpf|curp|nif|dni|nie|bsn|aadhaar|pan_card|passport(?:_number|_no|_num)?|driver_?s?_?licen[cs]e(?:_number|_no)?|steuer_?(?:id|nummer)|codice_fiscale|personnummer|id_card(?:_number)?)_/,
  },
  {
    kind: 'personal.contact.email',
    types: texts,
    form: /_(?:e_?mails?|email_?addr(?:ess)?|mail(?:_address)?|correo|courriel)_/,
  },
  {
    kind: 'personal.contact.phone',
    types: ['text', 'number', 'json'],
    form: /_(?:phones?|tele?phone|mobile|cell(?:_?phone)?|fax|msisdn|phone_?(?:number|no|num)|telefon|handy|whatsapp)_/,
  },
  {
    kind: 'personal.birth_date',
    types: ['date', 'text', 'number'],
    form: /_(?:dob|birth_?(?:date|day|year)|date_of_birth|born(?:_on|_at)?|geburtsdatum|fecha_nacimiento)_/,
  },
  {
    kind: 'personal.name',
    types: texts,
    form: /_(?:(?:first|last|middle|full|given|family|maiden|display|contact|recipient|holder|cardholder|customer|patient|employee|owner|guest|author|sender|driver|spouse|beneficiary|emergency_contact|legal)_?names?|surname|forename|nick_?name|vorname|nachname|prenom|apellidos?|holder|fname|lname)_/,
  },
  {
    kind: 'personal.contact.address',
    types: texts,
    form: /_(?:street(?:_?(?:address|name|line)?)?\d?|addr(?:ess)?(?:_?line)?_?\d?|(?:home|billing|shipping|postal|mailing|delivery|residential|street)_?address|postal_?code|post_?code|zip(?:_?code)?|house_?number|strasse|plz|lat|latitude|lng|lon|longitude|geo_?location|home_location)_/,
  },
  {
    kind: 'personal.online',
    types: ['text', 'network', 'json'],
    form: /_(?:ip|ip_?addr(?:ess)?|(?:client|remote|user|source|last|login|signup|registration|current_sign_in|last_sign_in)_?(?:ip|address)|user_?agent|device_?(?:id|fingerprint)|mac_?addr(?:ess)?|advertising_id|idfa|cookie_id|fingerprint|tracking_id)_/,
  },
  {
    kind: 'personal.health',
    types: ['text', 'json', 'number', 'other'],
    form: /_(?:diagnos[ie]s|diagnosis_code|icd_?(?:9|10)?(?:_code)?|medications?|medicine|prescriptions?|allerg(?:y|ies)|blood_?(?:type|group)|symptoms?|treatment|medical_?\w*|disabilit(?:y|ies)|lab_result|health_?(?:condition|status|notes)|hiv\w*|pregnan\w*|ethnicity|religion|sexual_orientation|political\w*|union_member)_/,
  },
  {
    kind: 'financial.pay',
    types: ['number', 'text', 'json'],
    form: /_(?:salar(?:y|ies)|base_pay|pay_?(?:rate|grade)|wage|bonus|compensation|hourly_rate|annual_income|income|gehalt|net_worth|credit_score)_/,
  },
  {
    kind: 'personal.free_text',
    types: texts,
    form: /_(?:notes?|comments?|remarks?|bio|biography|about_me|feedback|description_of_issue|message|body|free_?text|complaint|transcript|internal_notes?|gift_message|special_instructions|bemerkung)_/,
  },
];

export function hintOf(name: string, type: TypeClass): DataKind | undefined {
  const words = `_${name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')}_`;
  // What counts, dates or switches such a thing does not hold it.
  if (
    /_(?:count|counts|verified|confirmed|sent|sent_at|enabled|opt_?in|opt_?out|consent|status|type|kind|format|template|expires|expiry|expires_at|expires_on|updated|updated_at|created_at|changed_at|verified_at|length|required|used|used_at|id|ids|hash_algo|algorithm|version|brand|provider|issuer|subject|template_id|category)_$/.test(
      words,
    ) &&
    !isIdItself(words)
  ) {
    return undefined;
  }
  return hints.find((hint) => hint.types.includes(type) && hint.form.test(words))?.kind;
}

/** Names that end in `_id` and are the thing itself. */
function isIdItself(words: string): boolean {
  return /_(?:tax_id|national_id|device_id|advertising_id|cookie_id|tracking_id|steuer_id|taxpayer_id)_$/.test(words);
}

export function typeClassOf(type: string): TypeClass {
  if (/^(?:text|varchar|bpchar|char|citext|name|_text|_varchar)$/.test(type)) return 'text';
  if (/^(?:int2|int4|int8|numeric|float4|float8|money)$/.test(type)) return 'number';
  if (/^(?:date|timestamp|timestamptz)$/.test(type)) return 'date';
  if (/^(?:inet|cidr|macaddr|macaddr8)$/.test(type)) return 'network';
  if (/^(?:json|jsonb|hstore|xml)$/.test(type)) return 'json';
  return type === 'bytea' ? 'bytes' : 'other';
}

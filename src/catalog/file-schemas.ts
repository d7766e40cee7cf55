// The forms of the classification files: taxonomy.yaml, one file per database, approvers.yaml. What names mean for each other
// (does the level exist, is the group known) is checked in link-*.ts, where every file has been read. The JSON Schema files for
// editors are made from these. policy.yaml and cases are forms of the policy's room.
import * as z from 'zod';
import { maskStyles } from '../core/mask-style.ts';

const version = z.literal(1, 'this program reads version 1').describe('Version of the file’s form.');

const reason = z.string().min(1).describe('Why, in words that a colleague understands next year.');
const owner = z.string().min(1).describe('The group (approvers.yaml) that is asked about this.');
const levelName = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,39}$/, 'a level’s name has 1 to 40 letters, digits, _ and -')
  .describe('A level’s name.');
const categoryName = z
  .string()
  .regex(/^[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*){0,9}$/, 'a category’s name is words joined by dots')
  .describe('A category’s name.');
const frameworks = z.array(z.string().min(1)).describe('Laws and standards that speak of it: GDPR, PCI-DSS, HIPAA.');

const mask = z.enum(maskStyles);

const level = z.strictObject({
  name: levelName,
  read: z
    .enum(['allow', 'mask', 'hold', 'deny'])
    .describe(
      'What happens when an agent reads a column of this level; `mask` shows a likeness and holds every other use.',
    ),
  mask: mask.optional().describe('What is shown of a masked value of this level; null when not given.'),
  rows: z.int().min(1).optional().describe('More rows than this in one statement are held.'),
  approvers: z.array(z.string().min(1)).min(1).optional().describe('Groups that are asked.'),
  quorum: z.int().min(1).max(20).optional().describe('How many different people must say yes; 1 when not given.'),
  step_up: z
    .enum(['console', 'passkey'])
    .optional()
    .describe(
      'What a yes takes: `console`, only there, where approvers sign in, never by a button in a chat; `passkey`, there too, and with a passkey.',
    ),
  words: z.string().optional().describe('What belongs here, for people.'),
});

const category = z.union([
  levelName,
  z.strictObject({
    level: levelName.optional().describe('The level of columns of this category; its parent’s when not given.'),
    mask: mask.optional().describe('What is shown of a masked value; its parent’s, else its level’s, when not given.'),
    frameworks: frameworks.optional(),
    reason: reason.optional(),
    words: z.string().optional().describe('What belongs here, for people.'),
  }),
]);

const pattern = z.strictObject({
  column: z.string().describe('A regular expression that a column’s name is searched for; case does not matter.'),
  level: levelName.optional(),
  category: categoryName.optional(),
  reason: reason.optional(),
});

export const taxonomySchema = z
  .strictObject({
    version,
    levels: z.array(level).min(1).describe('From least to most sensitive.'),
    categories: z
      .record(categoryName, category)
      .optional()
      .describe('Dotted kinds of data; a child inherits its parent.'),
    defaults: z
      .strictObject({ unclassified: levelName.describe('The level of a column or table that no file names.') })
      .optional(),
    patterns: z.array(pattern).optional().describe('For columns without an entry of their own; the first match wins.'),
  })
  .describe('Levels, categories and patterns of the house.');

/** A level or a category in one word, or both with words. */
const entry = z.union([
  z.string().min(1).describe('A level or a category.'),
  z.strictObject({
    level: levelName.optional(),
    category: categoryName.optional(),
    reason: reason.optional(),
    owner: owner.optional(),
    frameworks: frameworks.optional(),
  }),
]);

const table = z.union([
  z.string().min(1).describe('A level or a category for the whole table.'),
  z.strictObject({
    default: entry.optional().describe('For columns that are not listed.'),
    owner: owner.optional(),
    reason: reason.optional(),
    columns: z.record(z.string(), entry).optional().describe('Columns by name, quoted where SQL would quote.'),
  }),
]);

export const databaseSchema = z
  .strictObject({
    version,
    database: z.string().min(1).describe('The database’s name in countersign.yaml.'),
    owner: owner.optional(),
    tables: z.record(z.string(), table).optional().describe('Tables as schema.table, quoted where SQL would quote.'),
    views: z
      .record(z.string(), entry)
      .optional()
      .describe('What is read through a view has the view’s level; without an entry its columns’ maximum.'),
    functions: z
      .record(z.string(), entry)
      .optional()
      .describe('schema.function(types): what a call of it reads. Without an entry its body is read.'),
  })
  .describe('What the columns of one database are.');

const approver = z.strictObject({
  email: z.email().optional().describe('Sign-in at the console, and lookup in Slack.'),
  slack: z
    .string()
    .regex(/^[UW][A-Z0-9]{2,20}$/, 'a Slack member id begins with U or W')
    .optional()
    .describe('Slack member id (profile, ⋮, Copy member ID).'),
  groups: z.array(z.string().min(1)).min(1).describe('Groups that the person says yes or no for.'),
  token_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'a SHA-256 in 64 lower-case hex digits')
    .optional()
    .describe('Hash of the person’s API token: printf %s TOKEN | sha256sum'),
  oidc: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('The person’s account (subject) at the identity provider; without it, a verified e-mail address tells.'),
});

export const approversSchema = z
  .strictObject({
    version,
    approvers: z.record(z.string().regex(/^[A-Za-z0-9][\w.@-]{0,62}$/, 'letters, digits and . _ @ -'), approver),
  })
  .describe('The people who may be asked, and how.');

export type TaxonomyShape = z.output<typeof taxonomySchema>;
export type DatabaseShape = z.output<typeof databaseSchema>;
export type ApproversShape = z.output<typeof approversSchema>;
export type EntryShape = z.output<typeof entry>;

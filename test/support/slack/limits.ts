// What Slack refuses: the limits of blocks, texts and buttons, as its documentation gives them. A card that passes here may still
// look bad; a card that fails here would never be seen.

interface Bounds {
  readonly blocks: number;
  /** All of the message's blocks as JSON; real Slack gives up somewhere above 13,000. */
  readonly jsonMax: number;
}

const surfaces: Readonly<Record<'message' | 'modal' | 'home', Bounds>> = {
  message: { blocks: 50, jsonMax: 13_000 },
  modal: { blocks: 100, jsonMax: 250_000 },
  home: { blocks: 100, jsonMax: 250_000 },
};

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Empty when Slack would take them; else what it would say. */
export function blockMistakes(blocks: unknown, surface: 'message' | 'modal' | 'home' = 'message'): readonly string[] {
  if (!Array.isArray(blocks)) return ['blocks must be an array'];
  const bounds = surfaces[surface];
  const check = new Check();
  check.that(blocks.length <= bounds.blocks, '', `no more than ${bounds.blocks} items allowed`);
  check.that(JSON.stringify(blocks).length <= bounds.jsonMax, '', 'msg_blocks_too_long');
  const ids = new Set<string>();
  for (const [index, block] of blocks.entries()) {
    const path = `/blocks/${index}`;
    if (!isObject(block)) {
      check.that(false, path, 'must be an object');
      continue;
    }
    if (block['block_id'] !== undefined) {
      const id = textOf(block['block_id']);
      check.that(id.length >= 1 && id.length <= 255, `${path}/block_id`, 'must be 1 to 255 characters');
      check.that(!ids.has(id), `${path}/block_id`, 'duplicate');
      ids.add(id);
    }
    blockRules(check, block, { path, surface });
  }
  return check.mistakes;
}

class Check {
  readonly mistakes: string[] = [];

  that(holds: boolean, path: string, words: string): void {
    if (!holds) this.mistakes.push(`[ERROR] ${words} [json-pointer:${path}]`);
  }

  text(value: unknown, path: string, bounds: { readonly max: number; readonly kind?: 'plain_text' }): void {
    if (!isObject(value)) return this.that(false, path, 'missing text object');
    const { type, text } = value;
    const allowed = bounds.kind === undefined ? ['plain_text', 'mrkdwn'] : [bounds.kind];
    this.that(allowed.includes(textOf(type)), path, `must be ${allowed.join(' or ')}`);
    const length = textOf(text).length;
    this.that(length >= 1, path, 'must be more than 0 characters');
    this.that(length <= bounds.max, path, `must be less than ${bounds.max + 1} characters`);
    this.that(!hasLoneSurrogate(textOf(text)), path, 'invalid unicode');
    this.that(type !== 'mrkdwn' || value['emoji'] === undefined, path, 'mrkdwn has no emoji');
  }
}

/** A character cut in half is not text that JSON over UTF-8 can carry. */
function hasLoneSurrogate(text: string): boolean {
  return /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

interface Where {
  readonly path: string;
  readonly surface: 'message' | 'modal' | 'home';
}

function blockRules(check: Check, block: Json, { path, surface }: Where): void {
  switch (block['type']) {
    case 'section':
      check.that(block['text'] !== undefined || block['fields'] !== undefined, path, 'needs text or fields');
      if (block['text'] !== undefined) check.text(block['text'], `${path}/text`, { max: 3000 });
      check.that(listOf(block['fields']).length <= 10, `${path}/fields`, 'no more than 10 items allowed');
      for (const [at, field] of listOf(block['fields']).entries())
        check.text(field, `${path}/fields/${at}`, { max: 2000 });
      if (isObject(block['accessory'])) elementRules(check, block['accessory'], `${path}/accessory`);
      return;
    case 'header':
      return check.text(block['text'], `${path}/text`, { max: 150, kind: 'plain_text' });
    case 'divider':
      return;
    case 'context':
      check.that(listOf(block['elements']).length >= 1, path, 'needs elements');
      check.that(listOf(block['elements']).length <= 10, `${path}/elements`, 'no more than 10 items allowed');
      for (const [at, element] of listOf(block['elements']).entries())
        check.text(element, `${path}/elements/${at}`, { max: 2000 });
      return;
    case 'actions':
      return actionsRules(check, block, path);
    case 'rich_text':
      check.that(listOf(block['elements']).length >= 1, path, 'needs elements');
      for (const [at, element] of listOf(block['elements']).entries())
        richRules(check, element, `${path}/elements/${at}`);
      return;
    case 'input':
      check.that(surface !== 'message', path, 'no input blocks here');
      check.text(block['label'], `${path}/label`, { max: 2000, kind: 'plain_text' });
      if (block['hint'] !== undefined) check.text(block['hint'], `${path}/hint`, { max: 2000, kind: 'plain_text' });
      if (isObject(block['element'])) elementRules(check, block['element'], `${path}/element`);
      else check.that(false, path, 'needs an element');
      return;
    default:
      check.that(false, `${path}/type`, `unsupported type: ${textOf(block['type'])}`);
  }
}

function actionsRules(check: Check, block: Json, path: string): void {
  const elements = listOf(block['elements']);
  check.that(elements.length >= 1, path, 'needs elements');
  check.that(elements.length <= 25, `${path}/elements`, 'no more than 25 items allowed');
  const ids = new Set<unknown>();
  for (const [at, element] of elements.entries()) {
    if (!isObject(element)) continue;
    check.that(!ids.has(element['action_id']), `${path}/elements/${at}`, '`action_id` already exists');
    ids.add(element['action_id']);
    elementRules(check, element, `${path}/elements/${at}`);
  }
}

const elementTypes = ['button', 'plain_text_input', 'static_select', 'number_input', 'overflow'];

function elementRules(check: Check, element: Json, path: string): void {
  const type = textOf(element['type']);
  check.that(elementTypes.includes(type), path, `unsupported type: ${type}`);
  const id = textOf(element['action_id']);
  check.that(id.length >= 1 && id.length <= 255, `${path}/action_id`, 'must be 1 to 255 characters');
  if (type === 'button') {
    check.text(element['text'], `${path}/text`, { max: 75, kind: 'plain_text' });
    check.that(textOf(element['value']).length <= 2000, `${path}/value`, 'must be less than 2001 characters');
    check.that(textOf(element['url']).length <= 3000, `${path}/url`, 'must be less than 3001 characters');
    check.that(['primary', 'danger', ''].includes(textOf(element['style'])), `${path}/style`, 'not a style');
    if (isObject(element['confirm'])) confirmRules(check, element['confirm'], `${path}/confirm`);
  }
  if (type === 'static_select') {
    const options = listOf(element['options']);
    check.that(options.length >= 1 && options.length <= 100, `${path}/options`, 'needs 1 to 100 options');
    for (const [at, option] of options.entries()) {
      check.text(isObject(option) ? option['text'] : undefined, `${path}/options/${at}/text`, {
        max: 75,
        kind: 'plain_text',
      });
      check.that(isObject(option) && textOf(option['value']).length <= 150, `${path}/options/${at}`, 'value too long');
    }
  }
  if (type === 'number_input')
    check.that(typeof element['is_decimal_allowed'] === 'boolean', path, 'needs is_decimal_allowed');
  if (type === 'plain_text_input') {
    const max = element['max_length'];
    check.that(max === undefined || (typeof max === 'number' && max <= 3000), `${path}/max_length`, 'at most 3000');
  }
}

function confirmRules(check: Check, confirm: Json, path: string): void {
  check.text(confirm['title'], `${path}/title`, { max: 100, kind: 'plain_text' });
  check.text(confirm['text'], `${path}/text`, { max: 300 });
  check.text(confirm['confirm'], `${path}/confirm`, { max: 30, kind: 'plain_text' });
  check.text(confirm['deny'], `${path}/deny`, { max: 30, kind: 'plain_text' });
}

function richRules(check: Check, element: unknown, path: string): void {
  if (!isObject(element)) return check.that(false, path, 'must be an object');
  const type = textOf(element['type']);
  const children = listOf(element['elements']);
  if (type === 'rich_text_list') {
    check.that(['bullet', 'ordered'].includes(textOf(element['style'])), path, 'needs a style');
    for (const [at, child] of children.entries()) richRules(check, child, `${path}/elements/${at}`);
    return;
  }
  const known = ['rich_text_section', 'rich_text_preformatted', 'rich_text_quote'];
  check.that(known.includes(type), path, `unsupported type: ${type}`);
  check.that(children.length >= 1, path, 'needs elements');
  for (const [at, child] of children.entries()) {
    const inner = isObject(child) ? child : {};
    const where = `${path}/elements/${at}`;
    const allowed = type === 'rich_text_preformatted' ? ['text', 'link'] : ['text', 'link', 'user', 'date', 'emoji'];
    check.that(allowed.includes(textOf(inner['type'])), where, `unsupported type: ${textOf(inner['type'])}`);
    if (inner['type'] === 'text') {
      check.that(textOf(inner['text']).length >= 1, where, 'must be more than 0 characters');
      check.that(!hasLoneSurrogate(textOf(inner['text'])), where, 'invalid unicode');
    }
    if (inner['type'] === 'user') check.that(/^[UW][A-Z0-9]{2,20}$/.test(textOf(inner['user_id'])), where, 'bad user');
    if (inner['type'] === 'date') check.that(Number.isInteger(inner['timestamp']), where, 'bad timestamp');
  }
}

export function viewMistakes(view: unknown): readonly string[] {
  if (!isObject(view)) return ['view must be an object'];
  const check = new Check();
  if (view['type'] === 'modal') {
    check.text(view['title'], '/title', { max: 24, kind: 'plain_text' });
    for (const key of ['submit', 'close'])
      if (view[key] !== undefined) check.text(view[key], `/${key}`, { max: 24, kind: 'plain_text' });
    const hasInput = listOf(view['blocks']).some((block) => isObject(block) && block['type'] === 'input');
    check.that(!hasInput || view['submit'] !== undefined, '/submit', 'inputs need a submit button');
    check.that(textOf(view['private_metadata']).length <= 3000, '/private_metadata', 'at most 3000 characters');
    check.that(textOf(view['callback_id']).length <= 255, '/callback_id', 'at most 255 characters');
  } else check.that(view['type'] === 'home', '/type', 'must be modal or home');
  const surface = view['type'] === 'home' ? 'home' : 'modal';
  return [...check.mistakes, ...blockMistakes(view['blocks'], surface)];
}

// Cards as a web page, drawn near to how Slack draws them: for looking at, before anything is set up. Whatever stands in a card is text
// here too.
import { cardOf, plainCard, type CardStyle } from '../channels/slack-card.ts';
import { denyDialog, shapeDialog } from '../channels/slack-dialogs.ts';
import { homeOf } from '../channels/slack-home.ts';
import { listOf } from '../channels/slack-list.ts';
import { sizeOf, type Block, type Button, type Message } from '../channels/slack-blocks.ts';
import { samples } from './slack-samples.ts';

const consoleUrl = 'https://countersign.example.com';
const style: CardStyle = {
  values: 'hidden',
  firstRows: 100,
  confirmFromRank: undefined,
  linkOf: (hold) => `${consoleUrl}/holds/${hold}`,
  isQuiet: () => false,
};

export function slackPreview(): string {
  const [usual] = samples;
  if (usual === undefined) throw new Error('no samples');
  const { view } = usual;
  const origin = { hold: view.id, channel: undefined, ts: undefined };
  const shown: readonly (readonly [string, Message])[] = [
    ...samples.map(({ title, view: each }) => [title, cardOf(each, style)] as const),
    ['A level that is decided in the console only', cardOf({ ...view, stepUp: 'console' }, style)],
    ['Slack refused the card', plainCard(view, style)],
    [
      'A burst of one agent',
      listOf(
        view.agent,
        samples.map((each) => each.view),
        { consoleUrl, isQuiet: () => false },
      ),
    ],
    ['Dialog: deny', { text: '', blocks: denyDialog(view, origin).blocks }],
    ['Dialog: this shape', { text: '', blocks: shapeDialog(view, origin).blocks }],
    [
      'Home page',
      {
        text: '',
        blocks: homeOf(
          'ben',
          samples.map((each) => each.view),
          consoleUrl,
        ).blocks,
      },
    ],
  ];
  const cards = shown.map(([title, message]) => {
    const size = `${message.blocks.length} blocks, ${sizeOf(message)} characters`;
    return `<section><h2>${html(title)} <small>${size}</small></h2><article>${message.blocks.map(blockHtml).join('')}</article></section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Countersign in Slack</title><style>${css}</style></head>
<body><h1>Countersign in Slack</h1>${cards.join('\n')}</body></html>`;
}

const css = `
body { font: 15px/1.46 Lato, "Helvetica Neue", Arial, sans-serif; color: #1d1c1d; background: #f4f4f4; margin: 24px; }
h1 { font-size: 22px } h2 { font-size: 13px; color: #616061; margin: 28px 0 6px } small { font-weight: 400 }
article { background: #fff; border: 1px solid #ddd; border-radius: 8px; padding: 12px 16px; max-width: 640px; overflow-wrap: anywhere; }
article > * { margin: 0 0 8px } h3 { font-size: 18px; line-height: 1.3 }
pre { background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; padding: 8px; font: 12px/1.5 Monaco, Menlo, monospace; white-space: pre-wrap; margin: 4px 0 }
blockquote { border-left: 4px solid #ddd; margin: 4px 0; padding-left: 12px } code { background: #f8f8f8; border: 1px solid #ddd; border-radius: 3px; color: #c01343; font-size: 12px; padding: 1px 3px }
.context { color: #616061; font-size: 13px } .row { display: flex; gap: 8px; flex-wrap: wrap } .beside { display: flex; gap: 12px; justify-content: space-between; align-items: flex-start }
button { font: 700 13px Lato, Arial, sans-serif; border: 1px solid #bbb; border-radius: 4px; background: #fff; padding: 5px 12px; white-space: nowrap }
button.primary { background: #007a5a; color: #fff; border-color: #007a5a } button.danger { background: #e01e5a; color: #fff; border-color: #e01e5a }
.mention, .date { background: #e8f5fa; color: #1264a3; border-radius: 3px; padding: 0 2px } label { font-weight: 700; display: block } input, textarea { width: 100%; box-sizing: border-box; border: 1px solid #bbb; border-radius: 4px; padding: 8px; font: inherit }
hr { border: 0; border-top: 1px solid #ddd } .hint { color: #616061; font-size: 13px }
`;

function blockHtml(block: Block): string {
  switch (block.type) {
    case 'header':
      return `<h3>${html(block.text.text)}</h3>`;
    case 'divider':
      return '<hr>';
    case 'context':
      return `<p class="context">${block.elements.map(textHtml).join(' ')}</p>`;
    case 'section': {
      const text = `<p>${textHtml(block.text)}</p>`;
      return block.accessory === undefined ? text : `<div class="beside">${text}${buttonHtml(block.accessory)}</div>`;
    }
    case 'actions':
      return `<div class="row">${block.elements.map(buttonHtml).join('')}</div>`;
    case 'input':
      return inputHtml(block);
    case 'rich_text':
      return `<div>${block.elements.map(richHtml).join('')}</div>`;
  }
}

function inputHtml({ label, hint, element, optional }: Extract<Block, { readonly type: 'input' }>): string {
  const start =
    element.type === 'static_select'
      ? element.initial_option.text.text
      : element.type === 'number_input'
        ? (element.initial_value ?? '')
        : '';
  const field =
    element.type === 'plain_text_input' ? '<textarea rows="3"></textarea>' : `<input value="${html(start)}">`;
  const words = hint === undefined ? '' : `<span class="hint">${html(hint.text)}</span>`;
  return `<div><label>${html(label.text)}${optional ? ' <small>(optional)</small>' : ''}</label>${field}${words}</div>`;
}

type Rich = Extract<Block, { readonly type: 'rich_text' }>['elements'][number];

function richHtml({ type, elements }: Rich): string {
  const inner = elements
    .map((part) => {
      if (part.type === 'link') return `<a href="${html(part.url)}">${html(part.text)}</a>`;
      const text = type === 'rich_text_preformatted' ? html(part.text) : lineBreaks(html(part.text));
      if (part.style?.code === true) return `<code>${text}</code>`;
      return part.style?.bold === true ? `<b>${text}</b>` : part.style?.italic === true ? `<i>${text}</i>` : text;
    })
    .join('');
  if (type === 'rich_text_preformatted') return `<pre>${inner}</pre>`;
  return type === 'rich_text_quote' ? `<blockquote>${inner}</blockquote>` : `<div>${inner}</div>`;
}

function textHtml(text: { readonly type: string; readonly text: string }): string {
  if (text.type !== 'mrkdwn') return lineBreaks(html(text.text));
  // Ids and dates, as `mentions` and `date` write them; everything else is escaped already.
  return lineBreaks(text.text)
    .replace(/<@([UW][A-Z0-9]+)>/g, '<span class="mention">@$1</span>')
    .replace(/<!date\^\d+\^[^|>]*\|([^>]*)>/g, '<span class="date">$1</span>');
}

function buttonHtml({ text, style: look }: Button): string {
  return `<button class="${look ?? ''}">${html(text.text)}</button>`;
}

const lineBreaks = (text: string): string => text.replaceAll('\n', '<br>');

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

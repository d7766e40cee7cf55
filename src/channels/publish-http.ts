// Checkpoints over HTTP: into a Slack channel by an incoming webhook, where many people see them and none can change them, or to any other
// receiver as JSON, signed like the records that go there.
import type { CheckpointTarget, PublishedNote } from '../audit/publisher.ts';
import { deliverHttp, signatureOf } from './sink-http.ts';

/** Addresses of incoming webhooks are secrets: whoever knows one can post there. */
type SecretOf = () => string;

export function slackTarget(options: { readonly name: string; readonly url: SecretOf }): CheckpointTarget {
  return {
    name: options.name,
    publish: (note, signal) =>
      deliverHttp(
        {
          method: 'POST',
          url: options.url(),
          headers: { 'content-type': 'application/json; charset=utf-8' },
          body: JSON.stringify({ text: slackText(note), unfurl_links: false, unfurl_media: false }),
        },
        signal,
      ),
  };
}

/** The note stands in it as it was signed: copied out of the channel, it still can be checked. */
function slackText({ checkpoint, text }: PublishedNote): string {
  const { records, at } = checkpoint;
  return (
    `Checkpoint of the Countersign record: ${records} records up to ${at}. ` +
    'An auditor checks the record against this text with `countersign audit verify --against FILE`.\n' +
    `\`\`\`${escaped(text.trimEnd())}\`\`\``
  );
}

/** As Slack wants its three special characters; none is in a note of ours. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('`', "'");

export function webhookTarget(options: {
  readonly name: string;
  readonly url: SecretOf;
  readonly secret?: SecretOf;
  readonly now?: () => number;
}): CheckpointTarget {
  return {
    name: options.name,
    publish: ({ checkpoint, text }, signal) => {
      const { origin, blocks, root, records, at } = checkpoint;
      const body = JSON.stringify({ type: 'countersign.checkpoint', origin, blocks, root, records, at, note: text });
      const signed = options.secret === undefined ? {} : signatureOf(options.secret(), body, options.now ?? Date.now);
      const headers = { 'content-type': 'application/json; charset=utf-8', ...signed };
      return deliverHttp({ method: 'POST', url: options.url(), headers, body }, signal);
    },
  };
}

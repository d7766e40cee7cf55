// Goal: the manifest is one that Slack can read and asks for nothing that is not used; the preview shows the cards and runs nothing.
// Method: the commands themselves; the manifest through a YAML reader, the preview through what a browser would take for code.
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { run } from '../../src/cli/program.ts';
import { checkWith } from '../../src/core/yaml-check.ts';
import { loadYaml } from '../../src/core/yaml.ts';

async function ran(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(args, { out: (line) => out.push(line), err: (line) => err.push(line), env: {} });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

const manifest = z.looseObject({
  display_information: z.looseObject({ name: z.string().max(35), description: z.string().max(140) }),
  features: z.looseObject({
    slash_commands: z.array(z.looseObject({ command: z.string(), url: z.string().optional() })),
  }),
  oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }),
  settings: z.looseObject({
    interactivity: z.object({ is_enabled: z.literal(true), request_url: z.string().optional() }),
    event_subscriptions: z.object({ bot_events: z.array(z.string()), request_url: z.string().optional() }),
    socket_mode_enabled: z.boolean(),
  }),
});

function read(text: string): z.output<typeof manifest> {
  const loaded = loadYaml('manifest.yaml', text);
  if (loaded.kind === 'bad') throw new Error(JSON.stringify(loaded.mistakes));
  const checked = checkWith(manifest, loaded.value, { value: loaded.value.value });
  if (checked.kind === 'bad') throw new Error(JSON.stringify(checked.mistakes));
  return checked.value;
}

describe('countersign slack manifest', () => {
  test('in socket mode names no address', async () => {
    const { code, out } = await ran('slack', 'manifest');
    const made = read(out);
    expect(code).toBe(0);
    expect(made.settings.socket_mode_enabled).toBe(true);
    expect(made.oauth_config.scopes.bot).toEqual([
      ...['chat:write', 'commands', 'users:read', 'im:write'],
      ...['channels:history', 'groups:history', 'im:history'],
    ]);
    expect(out).not.toContain('http');
  });

  test('in http mode names the address of the proxy three times', async () => {
    const { out } = await ran('slack', 'manifest', '--mode', 'http', '--url', 'https://gate.example.com/');
    const made = read(out);
    const target = 'https://gate.example.com/slack/events';
    const { interactivity, event_subscriptions: events, socket_mode_enabled: socket } = made.settings;
    expect([interactivity.request_url, events.request_url, made.features.slash_commands[0]?.url]).toEqual([
      target,
      target,
      target,
    ]);
    expect(socket).toBe(false);
  });

  test.each([
    [['--mode', 'pigeon'], /must be socket or http/],
    [['--mode', 'http'], /needs --url/],
    [['--mode', 'http', '--url', 'gate'], /not a web address/],
  ])('with %j says what is wrong and exits 2', async (args, words) => {
    const { code, err } = await ran('slack', 'manifest', ...args);
    expect(code).toBe(2);
    expect(err).toMatch(words);
  });
});

test('countersign slack preview is a page without code, on which hostile text is text', async () => {
  const { code, out } = await ran('slack', 'preview');
  expect(code).toBe(0);
  expect(out).toContain('report-bot wants 2 restricted columns · shop');
  expect(out).not.toMatch(/<script|on\w+=|<!channel>|href="(?!https:\/\/countersign\.example\.com)/);
  expect(out).toContain('&lt;!channel&gt;');
});

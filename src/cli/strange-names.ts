// Names by which config and classification speak of each other, where one of them does not have the name: each file is right by itself, and
// either may be shared with another proxy, so it is said and not refused.
import type { Config } from '../core/config-types.ts';
import { nearest } from '../core/nearest.ts';
import type { Catalog } from '../catalog/catalog.ts';

type Spoken = Pick<Catalog, 'databases' | 'groups' | 'levelByName'>;

/** One line each, with what was perhaps meant. */
export function strangeNames({ databases, slack, http }: Config, catalog: Spoken): readonly string[] {
  const group = (key: string, name: string): readonly string[] =>
    catalog.groups.has(name)
      ? []
      : [`${key}: the classification has no group '${name}'${meant(name, catalog.groups.keys())}`];
  const level = slack?.confirmFrom;
  return [
    ...misspelled(catalog, databases.keys()),
    ...(level === undefined || catalog.levelByName.has(level)
      ? []
      : [`slack.confirm_from: the classification has no level '${level}', so each approval in Slack asks once more`]),
    ...(slack?.escalateTo === undefined ? [] : group('slack.escalate_to', slack.escalateTo)),
    ...[...(slack?.channels.keys() ?? [])].flatMap((name) => group('slack.channels', name)),
    ...[...(http.oidc?.groups.values() ?? [])].flatMap((name) => group('http.oidc.groups', name)),
  ];
}

/** Databases of the classification that are nearly one of the config's. */
export function misspelled({ databases }: Pick<Catalog, 'databases'>, names: Iterable<string>): readonly string[] {
  const known = new Set(names);
  return [...databases.keys()].flatMap((name) => {
    const near = known.has(name)
      ? undefined
      : nearest(
          name,
          [...known].filter((each) => !databases.has(each)),
        );
    return near === undefined
      ? []
      : [`the classification speaks of database '${name}', which the config does not have (did you mean '${near}'?)`];
  });
}

function meant(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return near === undefined ? '' : ` (did you mean '${near}'?)`;
}

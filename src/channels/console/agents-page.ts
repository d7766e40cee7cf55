// The agents: who they are, who stands behind them, what they did today, and their open sessions, which an operator may end.
import type { BudgetView } from '../../approval/budgets.ts';
import { countText } from '../../approval/terms.ts';
import { sqlVisible } from '../../sql/canonical.ts';
import type { Visitor } from './door.ts';
import { emptyState, formField, page, type Notice } from './layout.ts';
import { markup, nothing, type Markup } from './markup.ts';
import type { ShownAgent, ShownSession } from './ports.ts';
import { placeWords, timeTag } from './words.ts';

/** People of this group may end sessions: it takes something away from an agent and never gives it anything. */
export const operatorsGroup = 'operators';

export const isOperator = ({ groups }: Pick<Visitor, 'groups'>): boolean => groups.includes(operatorsGroup);

export interface AgentsParts {
  readonly visitor: Visitor;
  readonly agents: readonly ShownAgent[];
  readonly sessions: readonly ShownSession[];
  readonly notice: Notice | undefined;
}

export function agentsPage({ visitor, agents, sessions, notice }: AgentsParts): Markup {
  return page({
    title: 'Agents',
    visitor,
    section: 'agents',
    notice,
    live: { on: 'time', everySeconds: 5 },
    main: markup`<h1>Agents</h1><div data-live="agents" data-keep-while-typing>${
      agents.length === 0
        ? emptyState('No agents', 'countersign agents add NAME makes one, and prints its connection string once.')
        : agents.map((agent) =>
            card(
              agent,
              sessions.filter((one) => one.agent === agent.name),
              visitor,
            ),
          )
    }</div>`,
  });
}

function card(
  { name, owner, databases, today, budgets }: ShownAgent,
  sessions: readonly ShownSession[],
  visitor: Visitor,
): Markup {
  const figures: readonly (readonly [string, number])[] = [
    ['passed', today.allowed],
    ['held', today.held],
    ['forbidden', today.denied],
    ['refused', today.refused],
    ['rows', today.rows],
  ];
  return markup`<section class="card agent"><h2>${name}</h2><p class="dim">owner ${owner}; databases ${databases.join(', ')}</p>
<dl class="figures">${figures.map(([what, figure]) => markup`<div><dt>${what}</dt><dd>${figure.toLocaleString('en-US')}</dd></div>`)}</dl>
<p class="dim">Since midnight UTC, or since this process began. <a href="/history?agent=${encodeURIComponent(name)}">On the record</a></p>
${budgetList(name, budgets, visitor)}<h3>${countText(sessions.length, 'open session')}</h3>${sessions.length > 0 && list(sessions, visitor)}</section>`;
}

function budgetList(agent: string, budgets: ShownAgent['budgets'], visitor: Visitor): Markup {
  if (budgets === undefined) return markup`<h3>Budgets</h3><p class="dim">Not known now: the state is away.</p>`;
  if (budgets.length === 0) return nothing;
  return markup`<h3>${budgets.length === 1 ? 'Budget' : 'Budgets'}</h3><ul class="plain budgets">${budgets.map(
    (budget) => {
      const { level, per, used, rowsMax, left, added, place, approvers } = budget;
      const share = rowsMax === 0 ? 100 : Math.min(100, Math.round((used / rowsMax) * 100));
      const words = `${shown(used)} of ${countText(rowsMax, 'row')} of ${level} in ${per}`;
      return markup`<li><p class="line"><span>${words}</span><span class="dim">${shown(left)} left${added > 0 && `, ${shown(added)} of them added by people`}</span>${placeWords(place)}</p>
<svg class="bar${share >= 80 && ' nearly'}" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="${share} % used"><rect class="all" width="100" height="4"></rect><rect class="used" width="${share}" height="4"></rect></svg>${
        approvers.includes(visitor.name) && topUpForm(agent, budget, visitor)
      }</li>`;
    },
  )}</ul>`;
}

const shown = (count: number): string => count.toLocaleString('en-US');

function topUpForm(agent: string, { level, per }: BudgetView, visitor: Visitor): Markup {
  return markup`<details><summary>Let it read more in this window</summary><form method="post" action="/agents/${encodeURIComponent(agent)}/budgets" data-once>${formField(visitor)}<input type="hidden" name="level" value="${level}"><input type="hidden" name="per" value="${per}">
<label>rows <input type="number" name="rows" value="100" min="1" max="1000000000" inputmode="numeric" required></label> <label>why <input name="reason" maxlength="1000" autocomplete="off"></label> <button class="quiet">Add</button></form></details>`;
}

function list(sessions: readonly ShownSession[], visitor: Visitor): Markup {
  return markup`<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">Session</th><th scope="col">Program</th><th scope="col">From</th><th scope="col">Database</th><th scope="col">Since</th><th scope="col">State</th>${
    isOperator(visitor) && markup`<th scope="col"><span class="unseen">End it</span></th>`
  }</tr></thead><tbody>${sessions.map(
    ({ id, applicationName, address, database, since, state }) =>
      markup`<tr><td data-label="Session"><code>${id}</code></td><td data-label="Program"><bdi>${sqlVisible(applicationName.slice(0, 60))}</bdi></td><td data-label="From">${address}</td><td data-label="Database">${database}</td><td data-label="Since">${timeTag(since)}</td><td data-label="State">${state}</td>${
        isOperator(visitor) &&
        markup`<td><form method="post" action="/agents/sessions/${id}/end" data-once>${formField(visitor)}<button class="quiet deny" aria-label="End session ${id}">End</button></form></td>`
      }</tr>`,
  )}</tbody></table></div>`;
}

// Where we are: "#/search?name=example". All that a view shows is in the address, so that it can
// be sent to a colleague.

export const kViews = ['overview', 'live', 'blocked', 'search', 'explain', 'feeds'] as const;
export type View = (typeof kViews)[number];

function parse(hash: string): { view: View; params: Record<string, string> } {
  const text = hash.replace(/^#\/?/, '');
  const question = text.indexOf('?');
  const view = question < 0 ? text : text.slice(0, question);
  const params = Object.fromEntries(new URLSearchParams(question < 0 ? '' : text.slice(question)));
  return { view: (kViews as readonly string[]).includes(view) ? (view as View) : 'overview', params };
}

export const route = $state(parse(location.hash));

addEventListener('hashchange', () => Object.assign(route, parse(location.hash)));

export function href(view: View, params: Record<string, string | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value) query.set(name, value);
  const text = query.toString();
  return `#/${view}${text ? `?${text}` : ''}`;
}

export function go(view: View, params: Record<string, string | undefined> = {}): void {
  location.hash = href(view, params);
}

/** Takes "#token=…", as the server prints it at its first start, out of the address. */
export function takeTokenFromAddress(): string | undefined {
  const found = /^#token=([\w-]+)$/.exec(location.hash);
  if (!found) return undefined;
  history.replaceState(null, '', location.pathname);
  Object.assign(route, parse(''));
  return found[1];
}

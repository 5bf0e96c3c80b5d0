// The REST API, as docs/reference/openapi.yaml describes it.

export type Disposition = 'answered' | 'allowed' | 'blocked' | 'observed' | 'refused' | 'failed';
export const kDispositions: Disposition[] = [
  'answered', 'allowed', 'blocked', 'observed', 'refused', 'failed',
];

export interface Query {
  id?: number;
  at: string;
  trace: string;
  client: string;
  client_port: number;
  transport: string;
  name: string;
  type: string;
  class: string;
  rcode: string;
  disposition: Disposition;
  source: string;
  security: string;
  ede: number | null;
  latency_us: number;
  group: string | null;
  zone: string | null;
  action: string | null;
  rule: string | null;
  rule_line: number | null;
  generation: number;
  in_chain: boolean;
}

export interface Page {
  rows: Query[];
  next: number | null;
}

export interface Status {
  version: string;
  now: string;
  started_at: string;
  uptime_s: number;
  endpoints: string[];
  journal: boolean;
  policy: {
    generation: number;
    built_at: string;
    zones: number;
    rules: number;
    memory_octets: number;
    groups: string[];
  };
  feeds: Record<Health | 'held', number>;
}

export type Health = 'never' | 'good' | 'stale' | 'failed';

export interface Feed {
  name: string;
  format: string;
  source: string;
  health: Health;
  last_try: string | null;
  last_success: string | null;
  next_try: string | null;
  rules: number;
  lines_skipped: number;
  first_skipped: string | null;
  last_error: string | null;
  held: HeldUpdate | null;
  generation: number;
}

/** An update that is not in force: the gate holds it, or a person took it out. */
export interface HeldUpdate {
  state: 'waiting' | 'rejected' | 'rolled_back' | 'canary';
  since: string;
  rules: number;
  reasons: string[];
}

export interface GateEffect {
  names: number;
  names_in_use: number;
  queries: number;
  queries_in_use: number;
  clients: number;
  top_names: number;
  examples: {
    name: string;
    queries: number;
    clients: number;
    rank: number | null;
    zone: string;
    rule: string;
    line: number;
  }[];
}

export interface GateReport {
  feed: string;
  outcome: 'passed' | 'observed' | 'held';
  at: string;
  reasons: { code: string; text: string }[];
  rules: { before: number; after: number; added: number; removed: number };
  history: { names: number; names_in_use: number; queries: number; clients: number };
  blocked: GateEffect;
  released: GateEffect;
  added_rules: string[];
  removed_rules: string[];
  took_ms: number;
}

export interface Point {
  at: string;
  total: number;
  blocked: number;
}

export interface TopEntry {
  key: string;
  count: number;
}

export interface Exception {
  id: number | null;
  action: 'allow' | 'block';
  name: string;
  audience: string;
  tenant: string | null;
  group: string | null;
  client: string | null;
  since: string | null;
  until: string | null;
  owner: string;
  reason: string;
}

export interface ExceptionWish {
  action: 'allow' | 'block';
  names: string[];
  for: string;
  client?: string;
  group?: string;
  tenant?: string;
  reason: string;
}

export interface Step {
  kind: 'group' | 'generation' | 'exception' | 'zone' | 'record' | 'result';
  outcome: string;
  text: string;
}

export interface Explanation {
  name: string;
  type: string;
  client: string | null;
  trace: string | null;
  group: string;
  generation: number;
  verdict: {
    disposition: Disposition;
    in_chain: boolean;
    action: string | null;
    zone: string | null;
    rule: string | null;
    trigger: string | null;
    line: number | null;
    answer: string | null;
    ttl: number | null;
    ede: number | null;
  };
  exception: Exception | null;
  steps: Step[];
  matches: {
    zone: string;
    rule: string;
    trigger: string;
    line: number | null;
    action: string;
    in_group: boolean;
    winner: boolean;
    in_chain: boolean;
  }[];
  record: Query | null;
}

export type Reloaded = {
  reading_feeds: boolean;
  unreadable_feeds: { name: string; error: string }[];
  needs_restart: string[];
};

/** What the server said went wrong, in words for the person. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

let onSignedOut: () => void = () => {};
export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}
export function signedOut(): void {
  onSignedOut();
}

export type Params = Record<string, string | number | undefined>;

export function toQuery(params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, 'The server does not answer. Is postern still running?');
  }
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
  if (response.status === 401 && !path.endsWith('/session')) onSignedOut();
  const problem = (await response.json().catch(() => ({}))) as { detail?: string };
  const text = problem.detail ?? `The server answered ${response.status}.`;
  throw new ApiError(response.status, text.charAt(0).toUpperCase() + text.slice(1));
}

const get = <T>(path: string, params: Params = {}) => call<T>('GET', `/api/v1/${path}${toQuery(params)}`);
const post = <T>(path: string, body?: unknown) => call<T>('POST', `/api/v1/${path}`, body);

export const api = {
  session: () => get<{ signed_in: boolean }>('session'),
  signIn: (token: string) => post<{ signed_in: boolean }>('session', { token }),
  signOut: () => call<void>('DELETE', '/api/v1/session'),
  status: () => get<Status>('status'),
  feeds: () => get<{ feeds: Feed[] }>('feeds'),
  updateFeed: (name: string) => post('feeds/' + encodeURIComponent(name) + '/update'),
  updateFeeds: () => post('feeds/update'),
  gateReport: (name: string) => get<GateReport>('feeds/' + encodeURIComponent(name) + '/report'),
  decideFeed: (name: string, what: 'activate' | 'reject' | 'rollback') =>
    post<{ done: string }>('feeds/' + encodeURIComponent(name) + '/' + what),
  reload: () => post<Reloaded>('reload'),
  queries: (params: Params) => get<Page>('queries', params),
  top: (params: Params) => get<{ entries: TopEntry[] }>('top', params),
  timeline: (params: Params) => get<{ interval_s: number; points: Point[] }>('timeline', params),
  explain: (params: Params) => get<Explanation>('explain', params),
  exceptions: (params: Params = {}) => get<{ exceptions: Exception[]; next: number | null }>('exceptions', params),
  addException: (wish: ExceptionWish) => post<{ exceptions: Exception[] }>('exceptions', wish),
  removeException: (id: number) => call<Exception>('DELETE', `/api/v1/exceptions/${id}`),
  explainTrace: (trace: string) => get<Explanation>('explain/' + encodeURIComponent(trace)),
};

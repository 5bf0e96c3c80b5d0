// Numbers and times as people read them.

const kWhole = new Intl.NumberFormat('en');

export function count(value: number): string {
  return kWhole.format(value);
}

/** "950", "12.3 k", "4.56 M": three figures. */
export function brief(value: number): string {
  if (value < 10_000) return kWhole.format(Math.round(value));
  const [scaled, unit] =
    value < 1e6 ? [value / 1e3, 'k'] : value < 1e9 ? [value / 1e6, 'M'] : [value / 1e9, 'G'];
  const digits = scaled < 10 ? 2 : scaled < 100 ? 1 : 0;
  return `${scaled.toFixed(digits)} ${unit}`;
}

/** "0", "0.4", "37": a rate per second. */
export function rate(value: number): string {
  return value === 0 ? '0' : value < 10 ? value.toFixed(1) : brief(value);
}

export function percent(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const value = (100 * part) / whole;
  return value > 0 && value < 0.1 ? '< 0.1 %' : `${value.toFixed(value < 10 ? 1 : 0)} %`;
}

/** "350 µs", "4.2 ms", "1.3 s". */
export function latency(us: number): string {
  if (us < 1000) return `${us} µs`;
  if (us < 1e6) return `${(us / 1e3).toFixed(us < 10_000 ? 1 : 0)} ms`;
  return `${(us / 1e6).toFixed(1)} s`;
}

/** "45 s", "12 min", "3 h", "5 d". */
export function span(total_s: number): string {
  const s = Math.max(0, Math.round(total_s));
  if (s < 90) return `${s} s`;
  if (s < 90 * 60) return `${Math.round(s / 60)} min`;
  if (s < 36 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

/** "3 min ago", "in 2 h", "just now". */
export function ago(at: string | null, now = Date.now()): string {
  if (at === null) return 'never';
  const s = (now - Date.parse(at)) / 1000;
  if (Math.abs(s) < 5) return 'just now';
  return s > 0 ? `${span(s)} ago` : `in ${span(-s)}`;
}

const two = (value: number) => String(value).padStart(2, '0');

/** Local time: "08:15:02", with the date before it if that is not today. */
export function clock(at: string, now = new Date()): string {
  const date = new Date(at);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** A chart's tick: "08:15", or "03-02" where a tick is a day or more. */
export function tick(at: string, range_s: number): string {
  const date = new Date(at);
  if (range_s > 2 * 86_400) return `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The `dig` line that asks this server: "@127.0.0.1 -p 5300" from "udp 127.0.0.1:5300". */
export function digServer(endpoints: string[]): string {
  for (const endpoint of endpoints) {
    const found = /(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+)):(\d+)/.exec(endpoint);
    if (!found) continue;
    let address = found[1] ?? found[2] ?? '';
    if (address === '0.0.0.0') address = '127.0.0.1';
    if (address === '::') address = '::1';
    return found[3] === '53' ? `@${address}` : `@${address} -p ${found[3]}`;
  }
  return '@127.0.0.1 -p 5300';
}

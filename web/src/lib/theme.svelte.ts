// Light, dark, or as the system says; kept in this browser.

export type Theme = 'system' | 'light' | 'dark';
const kKey = 'postern-theme';

function stored(): Theme {
  try {
    const text = localStorage.getItem(kKey);
    return text === 'light' || text === 'dark' ? text : 'system';
  } catch {
    return 'system'; // Storage may be switched off.
  }
}

export const theme = $state({ choice: stored() });

export function applyTheme(): void {
  if (theme.choice === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.choice;
}

export function nextTheme(): void {
  theme.choice = theme.choice === 'system' ? 'dark' : theme.choice === 'dark' ? 'light' : 'system';
  try {
    localStorage.setItem(kKey, theme.choice);
  } catch {
    // Then it lasts as long as the page does.
  }
  applyTheme();
}

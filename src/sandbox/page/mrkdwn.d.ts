export type Token =
  | { type: "text" | "code" | "pre"; text: string }
  | { type: "bold" | "italic" | "strike" | "quote"; children: Token[] }
  | { type: "link"; url: string; text: string }
  | { type: "user" | "channel" | "usergroup"; id: string; label: string | null }
  | { type: "broadcast"; range: "here" | "channel" | "everyone" }
  | { type: "emoji"; name: string; char: string }
  | { type: "date"; timestamp: number; format: string; url: string | null; fallback: string };

export function parseMrkdwn(text: string): Token[];
export function parsePlain(text: string, emoji?: boolean): Token[];
export function isSafeUrl(url: string): boolean;
export function unescapeText(text: string): string;

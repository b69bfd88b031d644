import { stripVTControlCharacters } from "node:util";
import type { Redact } from "../redact.ts";

/** Output on its way from a command to whoever keeps it. */
export interface OutputSink {
  add(chunk: Buffer): void;
  /** Passes on what was held back. Nothing may be added after it. */
  end(): void;
  /** What is kept: head and tail, with a line saying how many bytes were left out between them. */
  text(): string;
}

/** Longest stretch without a line's end that is held back, and what of it stays held when it is passed on. */
const HOLD_LIMIT = 64 * 1024;
const HOLD_BACK = 8 * 1024;
const KEY_BEGIN = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const KEY_END = /-----END [A-Z ]*PRIVATE KEY-----/;

/**
 * Decodes, cleans (terminal codes, NUL) and redacts before anyone sees a byte, then bounds what is kept.
 * Whole lines are passed on, so that a secret cut in two by a chunk's border is still seen whole; a private
 * key is held from its first to its last line. `limit` is in bytes.
 */
export function outputSink(
  redact: Redact,
  limit: number,
  onOutput: (text: string) => void = () => {},
): OutputSink {
  const decoder = new TextDecoder();
  const kept = boundedText(limit);
  let held = "";
  let inKey = false;

  const pass = (text: string) => {
    if (text === "") return;
    const shown = redact(clean(text)).toWellFormed();
    kept.add(shown);
    onOutput(shown);
  };
  const take = (text: string) => {
    held += text;
    if (inKey) {
      // the rest of a key too long to hold: nothing of it is passed on
      const end = KEY_END.exec(held);
      if (!end) {
        held = held.slice(-HOLD_BACK);
        return;
      }
      held = held.slice(end.index + end[0].length);
      inKey = false;
    }
    const cut = safeCut(held, redact);
    if (cut === undefined) {
      pass(held);
      held = "";
      inKey = true;
      return;
    }
    pass(held.slice(0, cut));
    held = held.slice(cut);
  };
  return {
    add: (chunk) => take(decoder.decode(chunk, { stream: true })),
    end() {
      take(decoder.decode());
      if (!inKey) pass(held);
      held = "";
    },
    // once more over the whole: a declared secret of several lines is seen only here
    text: () => redact(kept.text()),
  };
}

/** Up to where `held` may be passed on: 0 is nothing yet, undefined that it is all a key without an end. */
function safeCut(held: string, redact: Redact): number | undefined {
  const lineEnd = Math.max(held.lastIndexOf("\n"), held.lastIndexOf("\r")) + 1;
  const cut = openKeyAt(held.slice(0, lineEnd)) ?? lineEnd;
  if (cut > 0 || held.length <= HOLD_LIMIT) return cut;
  if (openKeyAt(held) !== undefined) return undefined;
  // one endless line: cut where no secret that can be seen is cut in two
  const whole = redact(held);
  for (let at = held.length - HOLD_BACK; at > 0; at -= 512) {
    if (redact(held.slice(0, at)) + redact(held.slice(at)) === whole) return at;
  }
  return held.length;
}

/** Where a private key begins that has not ended yet. */
function openKeyAt(text: string): number | undefined {
  const last = text.lastIndexOf("-----BEGIN ");
  if (last < 0) return undefined;
  const key = text.slice(last);
  return KEY_BEGIN.test(key) && !KEY_END.test(key) ? last : undefined;
}

function clean(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\0", "�").replaceAll("\r\n", "\n");
}

/** Keeps the first and the last half of `limit` bytes. */
function boundedText(limit: number): { add(text: string): void; text(): string } {
  const half = Math.floor(limit / 2);
  let total = 0;
  let head = Buffer.alloc(0);
  let tail: Buffer[] = [];
  let tailBytes = 0;
  return {
    add(text) {
      const bytes = Buffer.from(text);
      total += bytes.length;
      const toHead = Math.min(bytes.length, half - head.length);
      if (toHead > 0) head = Buffer.concat([head, bytes.subarray(0, toHead)]);
      const rest = bytes.subarray(Math.max(toHead, 0));
      if (rest.length === 0) return;
      tail.push(rest);
      tailBytes += rest.length;
      if (tailBytes > 2 * half + 4096) {
        tail = [Buffer.concat(tail).subarray(-half)];
        tailBytes = tail[0]!.length;
      }
    },
    text() {
      const end = Buffer.concat(tail);
      if (head.length + end.length === total && end.length <= half)
        return Buffer.concat([head, end]).toString();
      // the cuts fall on the ends of lines where there are any
      const first = head.subarray(0, head.lastIndexOf(10) + 1 || head.length);
      const window = end.subarray(-half);
      const last = window.subarray(window.indexOf(10) + 1);
      const left = total - first.length - last.length;
      return `${first.toString()}${first.at(-1) === 10 ? "" : "\n"}… ${left} bytes left out …\n${last.toString()}`;
    },
  };
}

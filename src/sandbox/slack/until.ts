/** Waiting for something to come true in the world, without polling. */
import type { World } from "./world.ts";

const LAST_MESSAGES = 8;

/**
 * Resolves with what `find` gives once it is neither undefined, null nor false; `find` is asked at once and
 * after every change. After `timeoutMs` it rejects, naming `what` and the last messages.
 */
export function until<T>(
  world: World,
  what: string,
  find: () => T | undefined | false | null,
  timeoutMs = 5_000,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      clearTimeout(timer);
      forget();
    };
    const look = () => {
      try {
        const found = find();
        if (found === undefined || found === null || found === false) return;
        end();
        resolve(found);
      } catch (error) {
        end();
        reject(error);
      }
    };
    const forget = world.onChange(look);
    timer = setTimeout(() => {
      end();
      reject(
        new Error(`Not seen within ${timeoutMs} ms: ${what}. The last messages:\n${lastMessages(world)}`),
      );
    }, timeoutMs);
    look();
  });
}

function lastMessages(world: World): string {
  const everyone = [...world.people.keys(), undefined];
  const all = [...world.channels.values()].flatMap((channel) =>
    [...new Set(everyone.flatMap((user) => world.messages(channel.id, user)))].map((message) => ({
      at: message.ts,
      line: `#${channel.name} ${message.ts} ${world.people.get(message.user)?.name ?? message.user}${
        message.ephemeralFor ? ` (only to ${message.ephemeralFor})` : ""
      }${message.threadTs ? ` (in thread ${message.threadTs})` : ""}: ${message.text || JSON.stringify(message.blocks ?? message.files)}`,
    })),
  );
  const last = all.sort((a, b) => Number(a.at) - Number(b.at)).slice(-LAST_MESSAGES);
  return last.map(({ line }) => `  ${line.slice(0, 400)}`).join("\n") || "  none";
}

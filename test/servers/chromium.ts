/** The Chromium that the end-to-end tests drive: CHROMIUM_PATH if given, else an installed one, else apt's. */
import { findOrInstall, programPath } from "./apt.ts";

/** Path of the program. */
export async function chromiumPath(): Promise<string> {
  const given = process.env.CHROMIUM_PATH;
  if (given) return given;
  return findOrInstall("Chromium", ["chromium"], () =>
    programPath("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
  );
}

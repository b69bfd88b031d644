import { StewardError } from "../../errors.ts";
import { type Probe, probe, showUrl } from "../../targets/http.ts";

/** What the URL answered. `json` is a field that says it is well, `version` the path of a field that names one. */
export interface UrlFacts {
  url: string;
  /** what was found, in words */
  found: string;
  answers: boolean;
  status: number;
  json: Record<string, string | boolean> | null;
  version: string | null;
}

const TIMEOUT_MS = 5_000;
/** Where services like to tell how they are, when the URL given is just their front door. */
const USUAL_PATHS = ["/health", "/healthz", "/api/health", "/status"];
const WELL_NAMES = ["status", "state", "health", "healthy", "ok"];
const WELL_VALUES = ["healthy", "ok", "up", "pass", "passing", "green", "alive"];
const VERSION_PATHS = ["version", "app_version", "appVersion", "release", "build.version", "info.version"];

/** Looks at the URL, and where it is no JSON at a front door, at the usual paths. Throws `bad_usage` for no URL. */
export async function lookAtUrl(typed: string): Promise<UrlFacts> {
  if (!/^https?:\/\//i.test(typed) || !URL.canParse(typed) || new URL(typed).password !== "") {
    throw new StewardError(
      "bad_usage",
      "--url wants a URL that begins with http:// or https:// and holds no password",
      {
        hint: "For example --url http://localhost:8000/health",
      },
    );
  }
  const first = await lookOnce(typed);
  if (first.json || new URL(typed).pathname !== "/") return first;
  for (const path of USUAL_PATHS) {
    const other = await lookOnce(new URL(path, typed).href);
    if (other.answers && other.json) return other;
  }
  return first;
}

async function lookOnce(url: string): Promise<UrlFacts> {
  try {
    return factsOf(url, await probe(url, { timeoutMs: TIMEOUT_MS }));
  } catch (error) {
    return { url, found: (error as Error).message, answers: false, status: 200, json: null, version: null };
  }
}

function factsOf(url: string, { status, body, latencyMs }: Probe): UrlFacts {
  const document = parseMap(body);
  const json = document && wellField(document);
  const version = document
    ? (VERSION_PATHS.find((path) => isVersion(valueAt(document, path))) ?? null)
    : null;
  const said = [
    `GET ${showUrl(url)} ${status} in ${Math.round(latencyMs)} ms`,
    json ? `JSON with ${JSON.stringify(json)}` : document ? "JSON" : "no JSON",
    version ? `version ${String(valueAt(document!, version))}` : "",
  ];
  return {
    url,
    found: said.filter(Boolean).join(", "),
    answers: status < 400,
    status: status < 400 ? status : 200,
    json: json ?? null,
    version,
  };
}

function wellField(document: Record<string, unknown>): Record<string, string | boolean> | undefined {
  for (const name of WELL_NAMES) {
    const value = document[name];
    if (value === true || (typeof value === "string" && WELL_VALUES.includes(value.toLowerCase())))
      return { [name]: value };
  }
  return undefined;
}

function isVersion(value: unknown): boolean {
  return (typeof value === "string" && /^v?\d[\w.+-]{0,40}$/.test(value)) || typeof value === "number";
}

function valueAt(document: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (isMap(value) ? value[key] : undefined), document);
}

function parseMap(body: string): Record<string, unknown> | undefined {
  try {
    const document: unknown = JSON.parse(body);
    return isMap(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

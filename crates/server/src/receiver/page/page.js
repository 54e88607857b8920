// Shows the requests of one inbox as they arrive. Everything that came from outside is put on the
// page as text, never as HTML.
"use strict";

const PAGE = 100;        // requests asked for at a time
const KEPT = 300;        // rows on the page
const WAIT_MS = 20000;   // how long the server may hold a question open
const RETRY_MS = 1500;   // pause after a failed question

const byId = (id) => document.getElementById(id);
const [inbox, rows, find] = [byId("inbox"), byId("rows"), byId("find")];
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const count = new Intl.NumberFormat();

let name = new URLSearchParams(location.search).get("inbox") || "";
let after = 0;
let requests = [];       // newest first
let chosen = null;       // sequence number
let paused = false;
let question = null;     // AbortController of the open question
let rate = { at: 0, requests: 0 };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function setState(kind, word) {
  byId("state").className = `state ${kind}`;
  byId("state").textContent = word;
}

// --- what arrives ---------------------------------------------------------------------------

async function follow() {
  for (;;) {
    if (paused || !name) {
      await new Promise((resolve) => { wake = resolve; });
      continue;
    }
    const asked = name;
    question = new AbortController();
    try {
      const address = `/receiver/api/${encodeURIComponent(asked)}?after=${after}&limit=${PAGE}&wait_ms=${WAIT_MS}`;
      const answer = await fetch(address, { signal: question.signal });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const page = await answer.json();
      if (asked === name && !paused) take(page);
      setState(paused ? "paused" : "live", paused ? "Paused" : "Live");
    } catch (error) {
      if (error.name === "AbortError") continue;
      setState("lost", "No answer");
      await pause(RETRY_MS);
    }
    // A busy inbox is shown a few times a second, not a thousand times.
    await pause(150);
  }
}

let wake = () => {};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function ask() {
  if (question) question.abort();
  wake();
}

function take(page) {
  if (page.last < after) { requests = []; chosen = null; showDetail(); }
  const fresh = page.requests.filter((request) => page.last < after || request.sequence > after);
  after = page.last;
  requests = fresh.reverse().concat(requests).slice(0, KEPT);
  for (const key of ["requests", "deliveries", "repeated", "refused"]) byId(key).textContent = count.format(page.counts[key]);
  showRate(page.counts.requests);
  showRows(new Set(fresh.map((request) => request.sequence)));
}

function showRate(total) {
  const now = performance.now();
  const passed = (now - rate.at) / 1000;
  if (rate.at && passed > 0.9) byId("rate").textContent = count.format(Math.max(0, Math.round((total - rate.requests) / passed)));
  if (!rate.at || passed > 0.9) rate = { at: now, requests: total };
}

// The rate falls to nothing while no answer comes.
setInterval(() => { if (rate.at && performance.now() - rate.at > 3000) byId("rate").textContent = "0"; }, 1000);

// --- the list -------------------------------------------------------------------------------

function matches(request, text) {
  return !text || [request.method, request.path, request.body, request.delivery_id || "", ...request.headers.flat()]
    .some((part) => part.toLowerCase().includes(text));
}

function summary(request) {
  try {
    const body = JSON.parse(request.body);
    const title = body.event_type ?? body.name ?? body.type ?? body.event;
    const who = body.user_id ?? body.external_id ?? body.device_id;
    if (typeof title === "string") return [title, typeof who === "string" ? who : ""];
  } catch { /* not JSON, or only its beginning was kept */ }
  return ["", request.body.replace(/\s+/g, " ").slice(0, 160) || "no body"];
}

function statusCode(request) {
  const kind = request.status < 300 ? "good" : request.status < 500 ? "warn" : "bad";
  return element("span", `code ${kind}`, String(request.status));
}

function row(request, fresh) {
  const item = element("li", fresh ? "fresh" : "");
  item.id = `r${request.sequence}`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", String(request.sequence === chosen));
  const [title, rest] = summary(request);
  const what = element("span", "what");
  if (title) what.append(element("span", "", `${title} `));
  what.append(element("span", "quiet", rest));
  item.append(element("span", "time", time.format(request.received_at)), statusCode(request), what);
  if (request.repeated) item.append(element("span", "badge", "↻ repeated"));
  else if (request.attempt > 1) item.append(element("span", "badge", `attempt ${request.attempt}`));
  item.addEventListener("click", () => choose(request.sequence, true));
  return item;
}

const shown = () => { const text = find.value.trim().toLowerCase(); return requests.filter((request) => matches(request, text)); };

function showRows(fresh = new Set()) {
  const visible = shown();
  rows.replaceChildren(...visible.map((request) => row(request, fresh.has(request.sequence))));
  byId("empty").hidden = requests.length > 0;
  rows.hidden = visible.length === 0;
  byId("no-match").hidden = requests.length === 0 || visible.length > 0;
  const older = after - requests.length;
  byId("left-out").hidden = older <= 0 || requests.length === 0;
  byId("left-out").textContent = `The newest ${count.format(requests.length)} of ${count.format(after)} requests are shown.`;
  markChosen();
}

function markChosen() {
  for (const item of rows.children) item.setAttribute("aria-selected", String(item.id === `r${chosen}`));
  if (chosen !== null && byId(`r${chosen}`)) rows.setAttribute("aria-activedescendant", `r${chosen}`);
  else rows.removeAttribute("aria-activedescendant");
}

function choose(sequence, open) {
  chosen = sequence;
  markChosen();
  showDetail();
  if (open) document.body.classList.add("open");
}

function move(step) {
  const visible = shown();
  if (!visible.length) return;
  const at = visible.findIndex((request) => request.sequence === chosen);
  const next = at < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, at + step));
  choose(visible[next].sequence, false);
  byId(`r${chosen}`).scrollIntoView({ block: "nearest" });
}

// --- one request ----------------------------------------------------------------------------

// Splits JSON text into strings (with the colon of a name), other values and the rest.
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)/g;

function showBody(target, text) {
  target.replaceChildren();
  let pretty;
  try { pretty = text.length < 200000 ? indent(text) : null; } catch { pretty = null; }
  if (pretty === null) { target.textContent = text || "no body"; return; }
  let at = 0;
  for (const found of pretty.matchAll(TOKEN)) {
    target.append(pretty.slice(at, found.index));
    if (found[1]) target.append(element("span", found[2] ? "key" : "text", found[1]), found[2] || "");
    else target.append(element("span", "number", found[3]));
    at = found.index + found[0].length;
  }
  target.append(pretty.slice(at));
}

// Indents the text itself, so that numbers keep all their digits. Throws when it is no JSON.
function indent(text) {
  JSON.parse(text);
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return text.replace(/"(?:[^"\\]|\\.)*"|\s+|[{[]\s*[}\]]|[{}[\],:]/g, (part) => {
    if (part[0] === '"') return part;
    if (/^[{[]\s*[}\]]$/.test(part)) return part[0] + part[part.length - 1];
    if (part === "{" || part === "[") { depth += 1; return part + line(); }
    if (part === "}" || part === "]") { depth -= 1; return line() + part; }
    if (part === ",") return part + line();
    return part === ":" ? ": " : "";
  });
}

function showDetail() {
  const request = requests.find((candidate) => candidate.sequence === chosen);
  byId("hint").hidden = Boolean(request);
  byId("request").hidden = !request;
  if (!request) { document.body.classList.remove("open"); return; }
  byId("method").textContent = request.method;
  byId("path").textContent = request.path;
  byId("received").textContent = new Date(request.received_at).toISOString().replace("T", " ").replace("Z", " UTC");
  byId("answered").replaceChildren(statusCode(request));
  byId("attempt").textContent = request.attempt === null ? "not given" : `${request.attempt}${request.repeated ? ", had arrived before" : ""}`;
  byId("delivery").textContent = request.delivery_id || "not given";
  const kept = new TextEncoder().encode(request.body).length;
  byId("size").textContent = `${count.format(request.body_bytes)} bytes` + (kept < request.body_bytes ? `, the first ${count.format(kept)} kept` : "");
  showBody(byId("body"), request.body);
  byId("headers").tBodies[0].replaceChildren(...request.headers.map(([header, value]) => {
    const line = element("tr");
    const title = element("th", "", header);
    title.scope = "row";
    line.append(title, element("td", "", value));
    return line;
  }));
}

// --- inboxes --------------------------------------------------------------------------------

async function showInboxes() {
  try {
    const known = Object.keys(await (await fetch("/receiver/api")).json());
    if (!name) name = known[0] || "inbox";
    const all = [...new Set([...known, name])].sort();
    if (all.join() !== [...inbox.options].map((option) => option.value).join()) {
      inbox.replaceChildren(...all.map((one) => new Option(one, one, one === name, one === name)));
    }
    byId("address").textContent = `${location.origin}/receiver/in/${name}`;
    wake();
  } catch { setState("lost", "No answer"); }
}

async function copy(button, text) {
  const label = button.textContent;
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
  catch { button.textContent = "The browser refused"; }
  setTimeout(() => { button.textContent = label; }, 1500);
}

function togglePause() {
  paused = !paused;
  byId("pause").textContent = paused ? "Resume" : "Pause";
  byId("pause").setAttribute("aria-pressed", String(paused));
  setState(paused ? "paused" : "live", paused ? "Paused" : "Live");
  ask();
}

inbox.addEventListener("change", () => {
  name = inbox.value;
  history.replaceState(null, "", `?inbox=${encodeURIComponent(name)}`);
  [after, requests, chosen] = [0, [], null];
  rate = { at: 0, requests: 0 };
  byId("address").textContent = `${location.origin}/receiver/in/${name}`;
  showRows();
  showDetail();
  ask();
});
byId("pause").addEventListener("click", togglePause);
byId("clear").addEventListener("click", async () => {
  const total = byId("requests").textContent;
  if (after > 0 && !confirm(`Clear the inbox ${name}? Its ${total} requests can't be brought back.`)) return;
  await fetch(`/receiver/api/${encodeURIComponent(name)}`, { method: "DELETE" });
});
byId("copy").addEventListener("click", (event) => copy(event.target, byId("address").textContent));
byId("copy-body").addEventListener("click", (event) => copy(event.target, requests.find((one) => one.sequence === chosen).body));
byId("back").addEventListener("click", () => { document.body.classList.remove("open"); rows.focus(); });
find.addEventListener("input", () => showRows());
rows.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10, Home: -KEPT, End: KEPT }[event.key];
  if (step) { event.preventDefault(); move(step); }
  if (event.key === "Enter" && chosen !== null) { document.body.classList.add("open"); byId("detail").focus(); }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT"].includes(event.target.tagName)) {
    if (event.key === "Escape" && event.target === find) { find.value = ""; showRows(); rows.focus(); }
    return;
  }
  if (event.key === "/") { event.preventDefault(); find.focus(); }
  if (event.key === "p") togglePause();
  if (event.key === "Escape") { document.body.classList.remove("open"); rows.focus(); }
});

setState("live", "Live");
showInboxes();
setInterval(showInboxes, 5000);
// An inbox that has requests answers at once; an empty one keeps the question open.
setTimeout(() => showRows(), 400);
follow();

/** The pages of the user's guide in the order in which one reads them: parts, and files of `docs` in them. */
export const CONTENTS: { part: string; pages: string[] }[] = [
  { part: "Begin", pages: ["first-sync", "ingest"] },
  { part: "Destinations and syncs", pages: ["page", "syncs", "definitions", "templates"] },
  { part: "Operate", pages: ["operating", "configuration", "configuration-as-code", "problems"] },
];

/** What `/docs` itself shows. */
export const FIRST = "first-sync";

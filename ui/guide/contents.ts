/** A part of the guide, and the files of `docs` in it. */
export interface Part {
  part: string;
  pages: string[];
}

/** The guide in the order in which one reads it. Files that no part names come at the end. */
export const CONTENTS: Part[] = [
  { part: "Begin", pages: ["first-sync", "ingest"] },
  { part: "Destinations and syncs", pages: ["page", "syncs", "debugging", "tail", "replay", "definitions", "templates"] },
  { part: "Operate", pages: ["operating", "configuration", "configuration-as-code", "privacy", "alerts", "problems"] },
];

/** What `/docs` itself shows. */
export const FIRST = "first-sync";

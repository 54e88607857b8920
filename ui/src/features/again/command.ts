/** The command that imports archives, for a POSIX shell. */
export function importCommand(files: string[], project: string, sync: string, rate: number | null): string {
  const archives = files.length === 0 ? ["export.zip"] : files;
  const words = ["millstream import", ...archives.map(quoted), "--project", quoted(project), "--sync", quoted(sync)];
  if (rate !== null) words.push("--rate", String(rate));
  return [...words, "--wait"].join(" ");
}

/** A word of a shell, whatever it holds. */
function quoted(word: string): string {
  // What begins with a dash would be an option.
  const safe = word.startsWith("-") ? `./${word}` : word;
  return /^[\w./@%+=:,-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}

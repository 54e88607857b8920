const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** An amount of bytes, such as `1.2 GB`, in steps of a thousand. */
export function inBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  // 999.6 KB are a MB: each unit is taken as soon as its number rounds to one.
  while (unit < UNITS.length - 1 && Math.round(value) >= 1000) [value, unit] = [value / 1000, unit + 1];
  const shown = unit === 0 || value >= 10 ? String(Math.round(value)) : value.toFixed(1).replace(/\.0$/, "");
  return `${shown} ${unit === 0 && bytes === 1 ? "byte" : (UNITS[unit] ?? "")}`;
}

/** A length of time in whole units, such as `7 days`. */
export function inTime(seconds: number): string {
  const units: [number, string][] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const [size, unit] = units.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, "second"];
  const count = Math.round(seconds / size);
  return `${String(count)} ${unit}${count === 1 ? "" : "s"}`;
}

import { useDebouncedValue } from "@mantine/hooks";
import { useMemo } from "react";

/**
 * A value of JSON once it has not changed for a while. The same object comes back as long as the value is equal,
 * however often it is made anew.
 */
export function useSettled<T>(value: T, milliseconds: number): T {
  const [text] = useDebouncedValue(JSON.stringify(value), milliseconds);
  return useMemo(() => JSON.parse(text) as T, [text]);
}

import { TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

/** How long somebody types before the list is asked for. */
const TYPING_MILLISECONDS = 300;

/** Longest text that the server looks for. */
const LONGEST = 200;

interface FieldProps {
  text: string | undefined;
  onChange: (text: string | undefined) => void;
}

/** What has to occur in an event: whose it is, or any other part of it. */
export function TextField({ text = "", onChange }: FieldProps) {
  const [typed, setTyped] = useState(text);
  // What the address says came from elsewhere, unless it is what was just typed.
  const [at, setAt] = useState(text);
  if (at !== text) {
    setAt(text);
    if (text !== typed.trim()) setTyped(text);
  }
  const seek = useDebouncedCallback((value: string) => {
    onChange(value.trim() === "" ? undefined : value.trim());
  }, TYPING_MILLISECONDS);
  return (
    <TextInput
      type="search"
      aria-label="User, device or text"
      placeholder="User, device or text"
      w={220}
      leftSection={<IconSearch size={15} aria-hidden />}
      maxLength={LONGEST}
      value={typed}
      onChange={({ currentTarget: { value } }) => {
        setTyped(value);
        seek(value);
      }}
    />
  );
}

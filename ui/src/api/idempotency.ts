import { useState } from "react";
import { idempotencyKey } from "./client";

/**
 * Keys that make creations safe to repeat, for as long as a form is open: the same content has the same key,
 * however often it is sent, and other content another one.
 */
export class CreationKeys {
  private readonly own = idempotencyKey();
  private readonly numbers = new Map<string, number>();

  of(content: unknown): string {
    const text = JSON.stringify(content);
    const number = this.numbers.get(text) ?? this.numbers.size;
    this.numbers.set(text, number);
    return `${this.own}-${String(number)}`;
  }
}

export function useCreationKeys(): CreationKeys {
  return useState(() => new CreationKeys())[0];
}

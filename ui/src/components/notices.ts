import { notifications } from "@mantine/notifications";

/** Says that something was done. */
export function done(message: string): void {
  notifications.show({ message, color: "water" });
}

/** Says that something failed, and why. */
export function failed(what: string): (error: unknown) => void {
  return (error) => {
    const why = error instanceof Error ? error.message : "Something unexpected happened.";
    notifications.show({ title: what, message: why, color: "red", autoClose: 12_000 });
  };
}

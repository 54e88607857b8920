import { Modal, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ProblemError } from "@/api/client";
import { meQuery, usePerson } from "@/features/access/me";
import { ASKS_CODE, SignInForm } from "@/features/access/sign-in-form";
import { hearSignedIn, SIGNED_IN, tellSignedIn } from "@/features/access/signed-in";

/** Above every other dialog: nothing can be saved before. */
const ABOVE = 1000;

/** How many ask for signing in: keys are theirs then. */
let asking = 0;

// Dialogs below hear keys at the window, and would close with what was typed in them. Whoever listens first is
// heard first: here it is when the page is loaded, before there is any dialog. What browsers themselves do with
// a key, such as pasting, stays.
window.addEventListener(
  "keydown",
  (event) => {
    if (asking > 0 && (event.key === "Escape" || event.ctrlKey || event.metaKey)) event.stopImmediatePropagation();
  },
  { capture: true },
);

/** Asks whoever's session ended to sign in again, above what they were doing, which stays as it is. */
export function SessionEnd() {
  const client = useQueryClient();
  const person = usePerson();
  const { error } = useQuery(meQuery);
  const [asksCode, setAsksCode] = useState(false);
  const [ended, setEnded] = useState(false);
  // While the server is away it isn't known; what was typed here stays as well.
  const says = error === null ? false : error instanceof ProblemError && error.status === 401 ? true : ended;
  if (says !== ended) setEnded(says);
  useEffect(() => {
    if (!ended) return;
    asking += 1;
    const deaf = hearSignedIn(() => void client.invalidateQueries({ queryKey: meQuery.queryKey }));
    return () => {
      asking -= 1;
      deaf();
      // What was refused meanwhile is asked for anew.
      void client.invalidateQueries();
    };
  }, [ended, client]);
  return (
    <Modal
      opened={ended}
      onClose={() => undefined}
      title="Sign in again"
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      zIndex={ABOVE}
    >
      <Text size="sm" c="dimmed" mb="md">
        {asksCode ? ASKS_CODE : "Your session has ended. What you have typed is still here."}
      </Text>
      <SignInForm
        address={person.email}
        asksCode={asksCode}
        onAsksCode={setAsksCode}
        target={SIGNED_IN}
        beside
        onSignedIn={async () => {
          tellSignedIn();
          await client.invalidateQueries({ queryKey: meQuery.queryKey });
          setAsksCode(false);
        }}
      />
    </Modal>
  );
}

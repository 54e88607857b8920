import { Modal, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { meQuery, usePerson } from "@/features/access/me";
import { SignInForm } from "@/features/access/sign-in-form";

/** Above every other dialog: nothing can be saved before. */
const ABOVE = 1000;

/** Asks whoever's session ended to sign in again, above what they were doing, which stays as it is. */
export function SessionEnd() {
  const client = useQueryClient();
  const person = usePerson();
  const { error } = useQuery(meQuery);
  const [was] = useState(person.id);
  const [asksCode, setAsksCode] = useState(false);
  // What is shown is somebody else's, when another account signed in meanwhile.
  useEffect(() => {
    if (person.id !== was) window.location.reload();
  }, [person.id, was]);
  return (
    <Modal
      opened={error instanceof ProblemError && error.status === 401}
      onClose={() => undefined}
      title="Sign in again"
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      zIndex={ABOVE}
    >
      <Text size="sm" c="dimmed" mb="md">
        {asksCode
          ? "Enter the code of your authenticator app, or one of your recovery codes."
          : "Your session has ended. What you have typed is still here."}
      </Text>
      <SignInForm
        address={person.email}
        asksCode={asksCode}
        onAsksCode={setAsksCode}
        onSignedIn={async () => {
          const me = await take(api.GET("/api/v1/me"));
          if (me.kind !== "person" || me.person.id !== was) {
            window.location.reload();
            return;
          }
          setAsksCode(false);
          client.setQueryData(meQuery.queryKey, me);
          void client.invalidateQueries();
        }}
      />
    </Modal>
  );
}

import { useEffect } from "react";
import { ButtonLink } from "@/components/links";
import { AccessCard } from "./card";
import { tellSignedIn } from "./signed-in";

/** The end of a sign-in that was begun above what somebody was doing in another window. */
export function SignedInPage() {
  useEffect(() => {
    tellSignedIn();
    // Browsers may leave it open: then the words say what to do.
    window.close();
  }, []);
  return (
    <AccessCard title="You are signed in" about="Close this window and go on in the one you came from.">
      <ButtonLink to="/" variant="default" replace>
        Go to the overview
      </ButtonLink>
    </AccessCard>
  );
}

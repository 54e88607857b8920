import { useEffect, useState } from "react";

/**
 * What stands behind `#` in a link that was received. It is taken out of the address at once, so that it stays
 * in no history and no screenshot.
 */
export function useLinkToken(): string {
  const [token] = useState(() => window.location.hash.slice(1));
  useEffect(() => {
    if (window.location.hash !== "") {
      window.history.replaceState(window.history.state, "", window.location.pathname);
    }
  }, []);
  return token;
}

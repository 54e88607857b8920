/** On which the browser's windows tell each other that somebody signed in. */
const CHANNEL = "millstream-signed-in";

/** Where a sign-in ends that was begun in a window of its own. */
export const SIGNED_IN = "/signed-in";

/** Tells the other windows of this browser that somebody signed in here. */
export function tellSignedIn(): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(null);
  channel.close();
}

/** Hears of sign-ins in other windows until the function that is returned is called. */
export function hearSignedIn(heard: () => void): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", heard);
  return () => {
    channel.close();
  };
}

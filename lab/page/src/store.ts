import { useEffect, useState } from "preact/hooks";

/** Something that changes, and lets others know. */
export interface Changes {
  subscribe(listener: () => void): () => void;
}

/** Renders the component again whenever that changes. */
export function useChanges(thing: Changes): void {
  const [, count] = useState(0);
  useEffect(() => {
    const again = () => count((before) => before + 1);
    again(); // it may have changed since it was rendered
    return thing.subscribe(again);
  }, [thing]);
}

export function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** What somebody chose on this browser; one that keeps nothing forgets it. */
export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // private windows and file:// of some browsers
  }
}

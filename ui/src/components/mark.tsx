/** The mark: three lines that branch like a stream. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 32 32"
      fill="none"
      stroke="var(--ms-accent)"
      strokeWidth="3"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d="M3 16h9" />
      <path d="M12 16c6 0 5-9 11-9h6" />
      <path d="M12 16h17" />
      <path d="M12 16c6 0 5 9 11 9h6" />
    </svg>
  );
}

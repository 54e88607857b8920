import { encode } from "uqr";

/** A text as a QR code, drawn here: no one else sees it. Dark on light in both looks, as cameras want it. */
export function QrCode({ text, label, size = 168 }: { text: string; label: string; size?: number }) {
  const { data, size: modules } = encode(text, { border: 3 });
  const drawing = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${String(x)} ${String(y)}h1v1h-1z` : ""))).join("");
  return (
    <svg
      role="img"
      aria-label={label}
      width={size}
      height={size}
      viewBox={`0 0 ${String(modules)} ${String(modules)}`}
      shapeRendering="crispEdges"
      style={{ borderRadius: 6, background: "#ffffff" }}
    >
      <path d={drawing} fill="#11161a" />
    </svg>
  );
}

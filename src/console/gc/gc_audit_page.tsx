import { GcPage } from "./gc_page.tsx";

export default function GcAuditPage() {
  return <GcPage type="audit" />;
}

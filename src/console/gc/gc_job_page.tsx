import { GcPage } from "./gc_page.tsx";

export default function GcJobPage() {
  return <GcPage type="job" />;
}

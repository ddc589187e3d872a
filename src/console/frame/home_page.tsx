import { Navigate } from "react-router";
import { PATHS } from "../paths.ts";

export default function HomePage() {
  return <Navigate to={PATHS.clusters} replace />;
}

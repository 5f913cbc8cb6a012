// Opens a stream of requests for proofs, asks for nothing, and says when the service has ended it.
//
// KIOSK="Authorization: Bearer …" node idle.mjs ADDRESS
import grpc from "@grpc/grpc-js";
import { showing, v1 } from "./praman_v1.mjs";

const [address] = process.argv.slice(2);
const proving = new v1.Proving(address, grpc.credentials.createInsecure());
const stream = proving.ProveMany(showing(process.env.KIOSK));
stream.on("metadata", () => console.log("open"));
stream.on("data", () => console.log("a job that nobody asked for"));
stream.on("error", (error) => { console.log(`${error}`); process.exit(1); });
stream.on("end", () => { console.log("ended"); process.exit(0); });

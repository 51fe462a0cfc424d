// Parses an AsyncAPI document as its tools do, and prints the errors and the names of its operations as JSON.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const errors = diagnostics.filter((one) => one.severity === 0).map((one) => `${one.path.join("/")}: ${one.message}`);
const operations = document ? document.operations().all().map((one) => one.id()) : [];
console.log(JSON.stringify({ errors, operations }));

// Drives the portal at the address given by HubSpot's own client for Node, and prints what the client understood.
"use strict";

const { Client } = require("@hubspot/api-client");

const [url] = process.argv.slice(2);
const client = new Client({ accessToken: "pat-node", basePath: url, numberOfApiCallRetries: 0 });
const crm = client.crm;
const seen = {};

async function refusal(act) {
  try {
    await act();
  } catch (error) {
    const { category, correlationId, message, status } = error.body || {};
    return { kind: error.constructor.name, code: error.code, category, correlationId, message, status, headers: error.headers };
  }
  return { kind: "no refusal" };
}

async function records() {
  const { basicApi, batchApi, searchApi } = crm.contacts;
  const made = await basicApi.create({ properties: { email: "a@x.example", firstname: "Ada" }, associations: [] });
  await basicApi.update(made.id, { properties: { city: "Here" } });
  const read = await basicApi.getById("a@x.example", ["city", "zip"], undefined, undefined, false, "email");
  seen.one = { same: read.id === made.id, city: read.properties.city, zip: read.properties.zip, date: read.createdAt instanceof Date };
  seen.conflict = await refusal(() => basicApi.create({ properties: { email: "a@x.example" }, associations: [] }));
  seen.invalid = await refusal(() => basicApi.create({ properties: { no_such: "x" }, associations: [] }));
  await basicApi.archive(made.id);
  seen.gone = await refusal(() => basicApi.getById(made.id));
  const inputs = [1, 2, 3].map((n) => ({ properties: { lastname: `L${n}` }, associations: [] }));
  const batch = await batchApi.create({ inputs });
  const ids = batch.results.map((one) => ({ id: one.id }));
  const changed = await batchApi.update({ inputs: ids.map((one) => ({ ...one, properties: { city: "There" } })) });
  const keyed = [{ id: "k1", idProperty: "clinic_key", properties: { lastname: "K" } }];
  const first = await batchApi.upsert({ inputs: keyed });
  const again = await batchApi.upsert({ inputs: keyed });
  const part = await batchApi.read({ inputs: [...ids, { id: "99" }], properties: ["city"], propertiesWithHistory: [] });
  seen.batch = { made: batch.results.length, changed: changed.status, upserts: [first.results[0]._new, again.results[0]._new] };
  seen.part = { kind: part.constructor.name, errors: part.numErrors, context: part.errors[0].context, left: part.results.length };
  const query = { filterGroups: [{ filters: [{ propertyName: "city", operator: "EQ", value: "There" }] }], properties: ["city"], limit: 2, sorts: [] };
  const page = await searchApi.doSearch(query);
  const rest = await searchApi.doSearch({ ...query, after: page.paging.next.after });
  seen.search = { total: page.total, pages: [page.results.length, rest.results.length] };
  seen.all = (await client.crm.contacts.getAll(undefined, undefined, ["lastname"])).length;
  await batchApi.archive({ inputs: ids });
  seen.left = (await basicApi.getPage()).results.length;
}

async function objects() {
  const when = "2026-03-01T10:00:00Z";
  const note = await crm.objects.notes.basicApi.create({ properties: { hs_note_body: "N", hs_timestamp: when }, associations: [] });
  seen.note = (await crm.objects.notes.basicApi.getById(note.id, ["hs_note_body", "hubspot_owner_id"])).properties;
  seen.timeless = await refusal(() => crm.objects.calls.basicApi.create({ properties: { hs_call_title: "C" }, associations: [] }));
  const item = await crm.lineItems.basicApi.create({ properties: { name: "Visit", quantity: "2", price: "10" }, associations: [] });
  seen.item = (await crm.lineItems.basicApi.getById(item.id, ["name"])).properties.name;
  const person = await crm.contacts.basicApi.create({ properties: { lastname: "T" }, associations: [] });
  await crm.associations.v4.basicApi.create("notes", note.id, "contacts", person.id, [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 202 }]);
  const tied = await crm.associations.v4.basicApi.getPage("contacts", person.id, "notes");
  const batch = await crm.associations.v4.batchApi.getPage("notes", "contacts", { inputs: [{ id: note.id }] });
  seen.tied = { to: String(tied.results[0].toObjectId) === note.id, type: tied.results[0].associationTypes[0].typeId, batch: batch.results[0].to.length };
}

async function definitions() {
  const key = { name: "clinic_key", label: "Key", type: "string", fieldType: "text", groupName: "contactinformation", hasUniqueValue: true };
  seen.property = (await crm.properties.coreApi.create("contacts", key)).hasUniqueValue;
  seen.fields = (await crm.properties.coreApi.getAll("0-48")).results.some((one) => one.name === "hs_call_title");
  seen.pipeline = (await crm.pipelines.pipelinesApi.getAll("leads")).results[0].stages.length;
  seen.owners = (await crm.owners.ownersApi.getPage()).results.map((one) => one.type);
}

async function lists() {
  const { list } = await crm.lists.listsApi.create({ name: "People", objectTypeId: "0-1", processingType: "MANUAL" });
  const person = await crm.contacts.basicApi.create({ properties: { lastname: "M" }, associations: [] });
  const added = await crm.lists.membershipsApi.add(list.listId, [person.id, "99"]);
  const page = await crm.lists.membershipsApi.getPage(list.listId);
  const named = await crm.lists.listsApi.getByName("People", "0-1");
  const of = await crm.lists.membershipsApi.getLists("0-1", person.id);
  const found = await crm.lists.listsApi.doSearch({ query: "peo", offset: 0, count: 10, listIds: [], processingTypes: [], additionalProperties: [], sort: "" });
  seen.list = { added: added.recordsIdsAdded.length, missing: added.recordIdsMissing, members: page.results.length, joined: page.results[0].membershipTimestamp instanceof Date, size: named.list.size, of: of.results.length, found: found.total };
  seen.duplicate = await refusal(() => crm.lists.listsApi.create({ name: "People", objectTypeId: "0-1", processingType: "MANUAL" }));
  await crm.lists.listsApi.remove(list.listId);
  seen.unlisted = await refusal(() => crm.lists.listsApi.getById(list.listId));
}

async function imports() {
  const columnMappings = ["email", "firstname"].map((one) => ({ columnObjectTypeId: "0-1", columnName: one, propertyName: one }));
  const files = [{ fileName: "p.csv", fileFormat: "CSV", fileImportPage: { hasHeader: true, columnMappings } }];
  const data = Buffer.from("email,firstname\ni@x.example,Ina\nbad,Bo\n");
  const begun = await crm.imports.coreApi.create({ data, name: "p.csv" }, JSON.stringify({ name: "Import", files }));
  await fetch(`${url}/__sim/advance`, { method: "POST", body: '{"seconds": 5}' });
  const done = await crm.imports.coreApi.getById(begun.id);
  const errors = await crm.imports.publicImportsApi.getErrors(begun.id);
  seen.imported = { begun: begun.state, state: done.state, counters: done.metadata.counters, errors: errors.results.map((one) => one.errorType) };
  seen.late = await refusal(() => crm.imports.coreApi.cancel(begun.id));
  seen.imports = (await crm.imports.coreApi.getPage()).results.length;
}

definitions()
  .then(records)
  .then(objects)
  .then(lists)
  .then(imports)
  .then(() => console.log(JSON.stringify(seen)))
  .catch((error) => {
    console.error(error.stack, JSON.stringify(error.body), JSON.stringify(seen).slice(0, 500));
    process.exitCode = 1;
  });

-- Values that came in another type than their column's: the record is kept as it came, and its column is empty.

create table landing_drift (
    stream text not null,
    "column" text not null,
    code text not null,
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    records bigint not null,
    primary key (stream, "column", code)
);

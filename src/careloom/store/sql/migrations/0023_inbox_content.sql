-- When the sealed content of an event first came: sealed anew and sent again it bears another id, and is no newer for that.

create table inbox_content (
    source text not null,
    digest bytea not null,
    first_at timestamptz not null,
    primary key (source, digest)
);
create index inbox_content_first on inbox_content (first_at);

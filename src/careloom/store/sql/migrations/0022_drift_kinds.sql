-- What the values are that could not be read: object, list, text, number or boolean; "" of those that an earlier release counted.

alter table landing_drift add column kind text not null default '';
alter table landing_drift drop constraint landing_drift_pkey;
alter table landing_drift add primary key (stream, "column", code, kind);

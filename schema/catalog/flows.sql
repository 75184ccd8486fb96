-- The AI conversation flows of the account, drafts and archived ones included. A
-- definition is exported exactly as it was written. Left out: the key that signs
-- what a flow sends, and the compiled form that only our engine can read.
select
    f.id as _key,
    f.sid as "sid", -- ID of the flow
    f.name as "name", -- name of the flow
    f.description as "description", -- what the flow is for
    f.status as "status", -- draft, published or archived
    f.version as "version", -- counts up with every change
    f.definition as "definition", -- steps of the flow, as written
    f.fingerprint as "fingerprint", -- SHA-256 of the published definition, as bytes
    f.created_by as "createdBy", -- ID of the user who made the flow
    f.published_at as "publishedAt", -- when the flow was last published
    f.created_at as "createdAt", -- when the flow was made
    f.updated_at as "updatedAt" -- when the flow was last changed
from platform.flows f
where f.account_sid = $1

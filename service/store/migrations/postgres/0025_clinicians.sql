-- Since when a clinician signs no emergency access any more.
ALTER TABLE clinician ADD COLUMN removed_at BIGINT;

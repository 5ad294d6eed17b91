"""From the store to what people read: reports and explanations; reaches neither sources nor config."""

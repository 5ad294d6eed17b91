"""Parts of the delivery bench; what is measured runs in processes of its own."""

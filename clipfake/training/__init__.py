"""What training needs and scanning does not."""
